//! Charts, drawn by plotters as SVG.
//!
//! plotters writes each colour into its element; the page's style takes them up by these values, and gives others where
//! it is dark (`style.css`, under "Charts"). So a chart is as the library drew it, and light where there is no style.

mod bars;
mod timeline;

use maud::{Markup, PreEscaped, html};
use plotters::{
    backend::SVGBackend,
    coord::Shift,
    drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea as _},
    style::{Color as _, FontFamily, RGBColor, TextStyle},
};

pub(crate) use bars::{Bar, bars};
pub(crate) use timeline::{Measure, timeline};

/// The colours of protocols. They are told apart by who sees no red, no green or no blue.
pub(crate) const TCP: RGBColor = RGBColor(0x17, 0x69, 0xc2);
pub(crate) const UDP: RGBColor = RGBColor(0xc2, 0x5e, 0x0a);
pub(crate) const ICMP: RGBColor = RGBColor(0x0b, 0x8a, 0x6a);
pub(crate) const OTHER: RGBColor = RGBColor(0x3b, 0x46, 0x52);
/// What is not told apart, and the two directions.
pub(crate) const PLAIN: RGBColor = RGBColor(0x4d, 0x5f, 0x9e);
pub(crate) const SENT: RGBColor = RGBColor(0x5b, 0x3a, 0xa0);
pub(crate) const RECEIVED: RGBColor = RGBColor(0x9a, 0x72, 0xd8);
/// Text, and text that is less important; lines.
const INK: RGBColor = RGBColor(0x1b, 0x24, 0x30);
const FAINT: RGBColor = RGBColor(0x56, 0x61, 0x6f);
const LINE: RGBColor = RGBColor(0xd8, 0xde, 0xe6);

/// plotters counts in whole units: so many to a pixel make its steps too small to be seen.
const FINE: u32 = 4;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Failed = DrawingAreaErrorKind<std::io::Error>;

/// What is said of a chart to who does not see it.
pub(crate) struct Words<'a> {
    /// Unique on the page.
    pub(crate) id: &'a str,
    pub(crate) title: &'a str,
    /// What is to be seen, in a sentence.
    pub(crate) text: &'a str,
}

/// A chart of `width` and `height` pixels, and what is laid over it.
fn picture(
    words: &Words<'_>,
    class: &str,
    (width, height): (u32, u32),
    draw: impl FnOnce(&Area<'_>) -> Result<Markup, Failed>,
) -> Markup {
    let mut svg = String::new();
    let size = (width * FINE, height * FINE);
    let drawn = {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        draw(&area).and_then(|over| area.present().map(|()| over))
    };
    let (title, text) = (format!("{}-title", words.id), format!("{}-text", words.id));
    match drawn {
        Ok(over) => html! {
            svg class={ "chart " (class) } role="img" viewBox={ "0 0 " (size.0) " " (size.1) }
                aria-labelledby=(title) aria-describedby=(text)
            {
                title id=(title) { (words.title) }
                desc id=(text) { (words.text) }
                (PreEscaped(svg))
                (over)
            }
        },
        // Into memory nothing fails; if it does, the table is still there.
        Err(error) => html! { p { "This chart could not be drawn: " (error.to_string()) } },
    }
}

/// Text of so many pixels.
fn font(pixels: f64, color: RGBColor) -> TextStyle<'static> {
    // plotters writes a size that is smaller than the one that it is given.
    let size = pixels * f64::from(FINE) * 1.24;
    let mut style = TextStyle::from((FontFamily::SansSerif, size));
    style.color = color.to_backend_color();
    style
}

/// So many pixels in the units of a chart.
fn fine(pixels: u32) -> i32 {
    i32::try_from(pixels.saturating_mul(FINE)).unwrap_or(i32::MAX)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "no more than four digits can be seen"
)]
fn as_f64(number: u64) -> f64 {
    number as f64
}
