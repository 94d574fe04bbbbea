//! Bars from left to right, one below the other, each under its label.

use maud::{Markup, html};
use plotters::{
    element::{Rectangle, Text},
    style::{Color as _, RGBColor},
};

use super::{FAINT, INK, LINE, Words, as_f64, fine, font, picture};

/// How wide the chart is, in pixels: as wide as the text column of a phone.
const WIDTH: u32 = 320;
/// How long the longest bar is. Behind it there is room for what it stands for.
const LONGEST: u32 = 204;
/// From one bar to the next, and what of it is bar.
const PITCH: u32 = 40;
const THICK: u32 = 12;

/// One bar.
pub(crate) struct Bar {
    pub(crate) label: String,
    /// What it is made of, from left to right.
    pub(crate) parts: Vec<(u64, RGBColor)>,
    /// What stands behind it.
    pub(crate) value: String,
}

impl Bar {
    /// All parts together.
    pub(crate) fn size(&self) -> u64 {
        self.parts
            .iter()
            .fold(0, |sum, (part, _)| sum.saturating_add(*part))
    }
}

/// The bars, the longest of them as long as there is room.
pub(crate) fn bars(words: &Words<'_>, bars: &[Bar]) -> Markup {
    let most = bars.iter().map(Bar::size).max().unwrap_or(0).max(1);
    let rows = u32::try_from(bars.len()).unwrap_or(u32::MAX).min(100);
    picture(words, "", (WIDTH, rows * PITCH), |area| {
        let (label, value) = (font(13.0, INK), font(12.0, FAINT));
        for (row, bar) in (0..rows).zip(bars) {
            let top = fine(row * PITCH + 19);
            let bottom = top + fine(THICK);
            area.draw(&Text::new(
                bar.label.clone(),
                (0, top - fine(15)),
                label.clone(),
            ))?;
            // On which a bar that is too short to be seen is still at home.
            let track = [(0, top), (fine(LONGEST), bottom)];
            area.draw(&Rectangle::new(track, LINE.filled()))?;
            let mut sum = 0_u64;
            for &(part, color) in &bar.parts {
                let from = at(sum, most);
                sum = sum.saturating_add(part);
                // Whatever is there can be seen.
                let to = at(sum, most).max(from + i32::from(part > 0) * fine(1));
                if to > from {
                    let part = [(from, top), (to, bottom)];
                    area.draw(&Rectangle::new(part, color.filled()))?;
                }
            }
            let place = (fine(LONGEST + 8), top + fine(1));
            area.draw(&Text::new(bar.value.clone(), place, value.clone()))?;
        }
        Ok(html! {})
    })
}

/// Where a number ends, in the units of the chart.
fn at(number: u64, most: u64) -> i32 {
    let end = as_f64(number) / as_f64(most) * f64::from(fine(LONGEST));
    #[expect(
        clippy::cast_possible_truncation,
        reason = "no more than the length of the longest"
    )]
    let end = end.round() as i32;
    end
}
