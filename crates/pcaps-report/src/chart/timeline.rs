//! Packets, or bytes, over time: one protocol upon the other.

use maud::{Markup, html};
use pcaps_file::{StepTally, Tally, Timestamp, human};
use plotters::{
    chart::ChartBuilder,
    coord::combinators::BindKeyPoints as _,
    element::Polygon,
    style::{Color as _, RGBColor},
};

use super::{FAINT, FINE, ICMP, LINE, OTHER, TCP, UDP, Words, fine, font, picture};
use crate::{pictures::human_count, time::Times};

/// What is drawn of a tally.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    Packets,
    Bytes,
}

impl Measure {
    fn of(self, tally: Tally) -> u64 {
        match self {
            Self::Packets => tally.packets,
            Self::Bytes => tally.bytes_on_wire,
        }
    }

    /// A number as it stands at the axis.
    fn short(self, number: u64) -> String {
        match self {
            Self::Packets => human_count(number),
            Self::Bytes => human::size(number),
        }
    }
}

/// What there is of one protocol.
type Part = fn(&StepTally) -> Tally;

/// The protocols, from the bottom up.
const LAYERS: [(RGBColor, Part); 4] = [
    (TCP, |it| it.tcp),
    (UDP, |it| it.udp),
    (ICMP, |it| it.icmp),
    (OTHER, |it| it.other),
];

/// How a chart is laid out.
struct Layout {
    class: &'static str,
    /// In pixels, and how wide the labels to its left are.
    size: (u32, u32),
    labels: u32,
    marks: u64,
    text: f64,
    has_titles: bool,
}

/// For screens that have room, for tablets and paper, and for phones: the page's style shows one of them.
const LAYOUTS: [Layout; 3] = [
    Layout {
        class: "wide",
        size: (1_120, 260),
        labels: 68,
        marks: 9,
        text: 13.0,
        has_titles: true,
    },
    Layout {
        class: "medium",
        size: (660, 240),
        labels: 68,
        marks: 6,
        text: 13.0,
        has_titles: true,
    },
    Layout {
        class: "narrow",
        size: (300, 210),
        labels: 58,
        marks: 4,
        text: 12.0,
        has_titles: false,
    },
];

/// The timeline, in each of the layouts.
pub(crate) fn timeline(
    words: &Words<'_>,
    steps: &[StepTally],
    step: std::time::Duration,
    measure: Measure,
    times: &Times,
) -> Markup {
    html! {
        @for layout in &LAYOUTS {
            @let id = format!("{}-{}", words.id, layout.class);
            (one(&Words { id: &id, ..*words }, layout, steps, step, measure, times))
        }
    }
}

fn one(
    words: &Words<'_>,
    layout: &Layout,
    steps: &[StepTally],
    step: std::time::Duration,
    measure: Measure,
    times: &Times,
) -> Markup {
    let Some((first, last)) = steps.first().zip(steps.last()) else {
        return html! {};
    };
    let width = u64::try_from(step.as_nanos()).unwrap_or(u64::MAX);
    let end = Timestamp::from_nanos(last.time.as_nanos().saturating_add(width));
    // Nanoseconds from the beginning, as the axis counts them.
    let since = |time: Timestamp| time.as_nanos().saturating_sub(first.time.as_nanos());
    let most = steps.iter().map(|it| measure.of(it.tally())).max();
    let levels = levels(most.unwrap_or(0));
    let top = levels.last().copied().unwrap_or(1);
    let marks = times.marks(first.time, end, layout.marks);
    picture(words, layout.class, layout.size, |area| {
        let marked = marks.iter().map(|(time, _)| since(*time)).collect();
        let mut chart = ChartBuilder::on(area)
            .margin_top(fine(8))
            .margin_right(fine(16))
            .x_label_area_size(fine(26))
            .y_label_area_size(fine(layout.labels))
            .build_cartesian_2d(
                (0..since(end).max(1)).with_key_points(marked),
                (0..top).with_key_points(levels.clone()),
            )?;
        let at_time = |at: &u64| {
            let found = marks.iter().find(|(time, _)| since(*time) == *at);
            found.map(|(_, label)| label.clone()).unwrap_or_default()
        };
        let at_level = |at: &u64| measure.short(*at);
        chart
            .configure_mesh()
            .disable_x_mesh()
            .axis_style(LINE.stroke_width(FINE))
            .bold_line_style(LINE.stroke_width(FINE))
            .light_line_style(plotters::style::TRANSPARENT)
            .set_all_tick_mark_size(fine(4))
            .label_style(font(layout.text, FAINT))
            .x_label_formatter(&at_time)
            .y_label_formatter(&at_level)
            .draw()?;
        let mut below = vec![0_u64; steps.len()];
        for (color, of) in LAYERS {
            let above: Vec<u64> = steps
                .iter()
                .zip(&below)
                .map(|(step, below)| below.saturating_add(measure.of(of(step))))
                .collect();
            if above != below {
                // Along its upper edge, and back along the lower.
                let edge = |heights: &[u64]| {
                    let corners = steps.iter().zip(heights).flat_map(|(it, &height)| {
                        let until = it.time.as_nanos().saturating_add(width);
                        [
                            (since(it.time), height),
                            (since(Timestamp::from_nanos(until)), height),
                        ]
                    });
                    corners.collect::<Vec<_>>()
                };
                let mut outline = edge(&above);
                outline.extend(edge(&below).into_iter().rev());
                chart.draw_series([Polygon::new(outline, color.filled())])?;
            }
            below = above;
        }
        if !layout.has_titles {
            return Ok(html! {});
        }
        // What shows when it is pointed at.
        let spot = |it: &StepTally| {
            let (from, ceiling) = chart.backend_coord(&(since(it.time), top));
            let until = Timestamp::from_nanos(it.time.as_nanos().saturating_add(width));
            let (to, floor) = chart.backend_coord(&(since(until), 0));
            html! {
                rect x=(from) y=(ceiling) width=((to - from).max(1)) height=(floor - ceiling) {
                    title { (title(it, measure, times)) }
                }
            }
        };
        Ok(html! {
            g.spots {
                @for it in steps.iter().filter(|it| it.tally().packets > 0) { (spot(it)) }
            }
        })
    })
}

/// `2026-11-23 10:00:00Z: 120 (TCP 100, UDP 20)`.
fn title(step: &StepTally, measure: Measure, times: &Times) -> String {
    let parts: Vec<String> = [
        ("TCP", step.tcp),
        ("UDP", step.udp),
        ("ICMP", step.icmp),
        ("other", step.other),
    ]
    .into_iter()
    .filter(|(_, tally)| tally.packets > 0)
    .map(|(name, tally)| format!("{name} {}", measure.short(measure.of(tally))))
    .collect();
    format!(
        "{}: {} ({})",
        times.exact(step.time),
        measure.short(measure.of(step.tally())),
        parts.join(", ")
    )
}

/// Round numbers from 0 to one that is not below `most`, five or so.
fn levels(most: u64) -> Vec<u64> {
    let least = most.max(1).div_ceil(5);
    let mut power: u64 = 1;
    let step = loop {
        let found = [1, 2, 5].map(|it| power.saturating_mul(it));
        if let Some(step) = found.into_iter().find(|it| *it >= least) {
            break step;
        }
        power = power.saturating_mul(10);
    };
    let count = most.max(1).div_ceil(step);
    (0..=count).map(|it| step.saturating_mul(it)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_round_and_few() {
        assert_eq!(levels(0), [0, 1]);
        assert_eq!(levels(3), [0, 1, 2, 3]);
        assert_eq!(levels(7), [0, 2, 4, 6, 8]);
        assert_eq!(levels(1_234), [0, 500, 1_000, 1_500]);
        for most in [1, 9, 10, 99, 12_345, u64::MAX / 2, u64::MAX] {
            let levels = levels(most);
            assert!((2..=6).contains(&levels.len()), "{levels:?}");
            assert!(levels.last() >= Some(&most), "{levels:?}");
        }
    }
}
