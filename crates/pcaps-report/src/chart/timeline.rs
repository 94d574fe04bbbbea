//! Packets, or bytes, over time: one protocol upon the other.

use maud::{Markup, html};
use pcaps_file::{StepTally, Tally, Timestamp, human};
use plotters::{
    chart::ChartBuilder,
    coord::combinators::BindKeyPoints as _,
    element::Polygon,
    style::{Color as _, RGBColor},
};

use super::{FAINT, FINE, ICMP, LINE, OTHER, TCP, UDP, Words, as_f64, fine, font, picture};
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

/// Times, and what is written at each.
type Marks = [(Timestamp, String)];

impl Layout {
    /// As many marks as have room beside each other.
    fn marks(&self, times: &Times, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, String)> {
        let of = |most| times.marks(from, to, most);
        let fits = |marks: &Vec<_>| self.fits(marks, from, to);
        let found = (2..=self.marks).rev().map(of).find(fits);
        found.unwrap_or_else(|| of(1))
    }

    fn fits(&self, marks: &Marks, from: Timestamp, to: Timestamp) -> bool {
        let room = self.size.0.saturating_sub(self.labels + self.beyond(marks));
        let nanos = |from: Timestamp, to: Timestamp| to.as_nanos().saturating_sub(from.as_nanos());
        // A blank between them, as wide as one of their letters.
        let wide = as_f64(nanos(from, to).max(1)) * (self.widest(marks) + 0.6 * self.text);
        let mut pairs = marks.windows(2);
        pairs.all(|it| match it {
            [(one, _), (next, _)] => as_f64(nanos(*one, *next)) * f64::from(room) >= wide,
            _ => true,
        })
    }

    /// What the last label may need to the right of the chart: half of it, if its mark is at the very end.
    fn beyond(&self, marks: &Marks) -> u32 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "half of a label, some letters long"
        )]
        let half = (self.widest(marks) / 2.0).ceil() as u32;
        half.max(16)
    }

    /// How wide the longest label is, in pixels, in a font whose letters and digits are wide.
    fn widest(&self, marks: &Marks) -> f64 {
        let letters = marks.iter().map(|(_, label)| label.chars().count()).max();
        as_f64(letters.unwrap_or(0) as u64) * 0.6 * self.text
    }
}

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
    let marks = layout.marks(times, first.time, end);
    picture(words, layout.class, layout.size, |area| {
        let marked = marks.iter().map(|(time, _)| since(*time)).collect();
        let mut chart = ChartBuilder::on(area)
            .margin_top(fine(8))
            .margin_right(fine(layout.beyond(&marks)))
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
    use std::time::Duration;

    use jiff::tz::TimeZone;
    use pcaps_file::{LinkType, Packet, Summary};

    use super::*;

    /// Where a chart of this span has its labels of times, and what they are: middles, in pixels.
    fn labels(layout: &Layout, from: u64, span: Duration) -> Vec<(f64, String)> {
        let mut summary = Summary::default();
        let span = u64::try_from(span.as_nanos()).expect("no more than centuries");
        for nanos in [from, from + span] {
            summary.add(&Packet {
                timestamp: Timestamp::from_nanos(nanos),
                link_type: LinkType::IPV4,
                original_len: 20,
                bytes: &[],
            });
        }
        let (steps, step) = (summary.timeline(), summary.timeline_step());
        let words = Words {
            id: "it",
            title: "",
            text: "",
        };
        let times = Times::new(TimeZone::UTC);
        let page = one(&words, layout, &steps, step, Measure::Packets, &times).into_string();
        let found = page.split("<text").skip(1).filter_map(|text| {
            let (attributes, rest) = text.split_once('>').expect("a tag");
            let label = rest.split_once('<').expect("an end").0.trim();
            let (_, x) = attributes.split_once(" x=\"").expect("a place");
            let x: f64 = x.split_once('"').expect("a number").0.parse().expect("one");
            let is_time = attributes.contains("text-anchor=\"middle\"");
            is_time.then(|| (x / f64::from(FINE), label.to_owned()))
        });
        found.collect()
    }

    #[test]
    fn labels_have_room() {
        let second = 1_000_000_000;
        let mut seen = 0;
        for layout in &LAYOUTS {
            for from in [
                0,
                7 * second + 7_000,
                1_700_000_010 * second,
                1_763_856_000 * second,
            ] {
                for millis in [
                    1,
                    60,
                    18_000,
                    60_000,
                    1_320_000,
                    14_400_000,
                    172_800_000,
                    604_800_000,
                ] {
                    let labels = labels(layout, from, Duration::from_millis(millis));
                    seen += labels.len();
                    let mut until = 0.0;
                    for (middle, label) in labels {
                        let half = as_f64(label.len() as u64) * 0.6 * layout.text / 2.0;
                        let (left, right) = (middle - half, middle + half);
                        assert!(
                            left >= until,
                            "{}: {label} is over what is left of it",
                            layout.class
                        );
                        assert!(
                            right <= f64::from(layout.size.0) + 1.0,
                            "{}: {label} is cut off",
                            layout.class
                        );
                        until = right;
                    }
                }
            }
        }
        assert!(seen > 3 * 4 * 8 * 2, "{seen}");
    }

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
