//! The charts of the page, each with its heading, its words, and the table behind it.

use maud::{Markup, html};
use pcaps_file::{
    StepTally, Summary,
    human::{self, count},
};
use plotters::style::RGBColor;

use crate::{
    Report,
    chart::{self, Bar, Measure, Words, bars, timeline},
    tables::{self, Column, folded, table},
    time::seconds,
};

/// How many bars a chart has, and how many rows a table that is not folded.
pub(crate) const SHOWN: usize = 10;
/// How many rows a table has, by packets and by bytes; those of `pcaps stats --json`.
const LISTED: usize = 100;

/// A number that is not too long for its place.
pub(crate) fn human_count(number: u64) -> String {
    match number {
        ..1_000_000 => count(number),
        // As sizes are, without their unit: `12.3 M`.
        _ => human::size(number).trim_end_matches('B').to_owned(),
    }
}

const PROTOCOLS: [(&str, &str); 4] = [
    ("tcp", "TCP"),
    ("udp", "UDP"),
    ("icmp", "ICMP"),
    ("other", "other"),
];
const DIRECTIONS: [(&str, &str); 2] = [("sent", "sent"), ("received", "received")];

fn legend(names: &[(&str, &str)]) -> Markup {
    html! {
        ul.legend {
            @for (class, name) in names {
                li { span class={ "key " (class) } {} (name) }
            }
        }
    }
}

pub(crate) fn over_time(report: &Report) -> Markup {
    let (total, times) = (&report.total, &report.times);
    let steps = total.timeline();
    let step = total.timeline_step();
    let each = human::step(step);
    let chart = |id, name: &str, measure, most: &dyn Fn(&StepTally) -> String| {
        let title = format!("{name} in steps of {each}, by protocol");
        let text = most_in_words(&steps, measure, most);
        let words = Words {
            id,
            title: &title,
            text: &text,
        };
        html! {
            figure {
                h3 { (name) span.faint { " in steps of " (each) } }
                (timeline(&words, &steps, step, measure, times))
                figcaption { (text) }
            }
        }
    };
    let at = |it: &StepTally| times.exact(it.time);
    html! {
        section.card aria-labelledby="time" {
            h2 #time { "Over time" }
            (legend(&PROTOCOLS))
            (chart("packets", "Packets", Measure::Packets, &|it| {
                format!("{} packets at {}", count(it.tally().packets), at(it))
            }))
            (chart("bytes", "Bytes on the wire", Measure::Bytes, &|it| {
                format!("{} at {}", human::size(it.tally().bytes_on_wire), at(it))
            }))
            (folded(&format!("over time, in steps of {}", seconds(step)), &tables::STEPS, &tables::steps(&steps, times)))
        }
    }
}

/// `At most 120 packets at …`.
fn most_in_words(
    steps: &[StepTally],
    measure: Measure,
    say: &dyn Fn(&StepTally) -> String,
) -> String {
    let of = |it: &&StepTally| match measure {
        Measure::Packets => it.tally().packets,
        Measure::Bytes => it.tally().bytes_on_wire,
    };
    let most = steps.iter().max_by_key(of);
    most.map(|it| format!("The most: {}.", say(it)))
        .unwrap_or_default()
}

/// A card with a chart, and the table behind it.
struct Card<'a> {
    id: &'a str,
    title: &'a str,
    /// What the numbers are.
    note: String,
    bars: Vec<Bar>,
    legend: &'a [(&'a str, &'a str)],
    columns: &'a [Column],
    rows: Vec<Vec<String>>,
}

impl Card<'_> {
    fn show(&self) -> Markup {
        let most = self.bars.iter().max_by_key(|it| it.size());
        let text = match most {
            Some(bar) => format!("The longest bar is {}: {}.", bar.label, bar.value),
            None => "There is none.".to_owned(),
        };
        let words = Words {
            id: self.id,
            title: self.title,
            text: &text,
        };
        let heading = format!("{}-heading", self.id);
        html! {
            section.card aria-labelledby=(heading) {
                h2 id=(heading) { (self.title) }
                p.faint { (self.note) }
                @if !self.legend.is_empty() { (legend(self.legend)) }
                @if self.bars.is_empty() { p { "There is none." } } @else { (bars(&words, &self.bars)) }
                @if !self.rows.is_empty() { (folded(&self.title.to_lowercase(), self.columns, &self.rows)) }
            }
        }
    }
}

/// `1,234 · 12.3%`.
fn value(part: u64, whole: u64) -> String {
    format!("{} · {}", human_count(part), human::share(part, whole))
}

fn bar(label: String, part: u64, whole: u64, color: RGBColor) -> Bar {
    Bar {
        label,
        parts: vec![(part, color)],
        value: value(part, whole),
    }
}

pub(crate) fn pictures(total: &Summary) -> Markup {
    let all = total.packets();
    let cards = [
        protocols(total, all),
        sizes(total, all),
        flags(total),
        talkers(total, all),
        ports(total, all),
    ];
    html! {
        div.cards {
            @for card in &cards { (card.show()) }
            (headers(total))
        }
    }
}

fn protocols(total: &Summary, all: u64) -> Card<'static> {
    let protocols = total.protocols();
    let mut bars: Vec<_> = protocols
        .iter()
        .take(SHOWN)
        .map(|it| bar(it.name.clone(), it.tally.packets, all, color(it.number)))
        .collect();
    let not_ip = total.not_ip();
    if not_ip.packets > 0 {
        bars.push(bar(
            "no IP header".to_owned(),
            not_ip.packets,
            all,
            chart::OTHER,
        ));
    }
    Card {
        id: "protocols",
        title: "Protocols",
        note: "Packets by what is above IP, in tunnels above the innermost".to_owned(),
        bars,
        legend: &[],
        columns: &tables::PROTOCOLS,
        rows: tables::protocols(&protocols, not_ip),
    }
}

/// Which headers there are, one in the other.
fn headers(total: &Summary) -> Markup {
    html! {
        section.card.tables aria-labelledby="headers" {
            h2 #headers { "Headers" }
            p.faint { "What is in what, most packets first" }
            (table("headers", &tables::LAYERS, &tables::layers(&total.layers())))
        }
    }
}

/// The colour of a protocol.
fn color(protocol: u8) -> RGBColor {
    match protocol {
        6 => chart::TCP,
        17 => chart::UDP,
        1 | 58 => chart::ICMP,
        _ => chart::OTHER,
    }
}

fn talkers(total: &Summary, all: u64) -> Card<'static> {
    let talkers = total.talkers(LISTED);
    let bars = talkers.iter().take(SHOWN).map(|it| Bar {
        label: it.address.to_string(),
        parts: vec![
            (it.sent.packets, chart::SENT),
            (it.received.packets, chart::RECEIVED),
        ],
        value: value(it.tally().packets, all),
    });
    Card {
        id: "talkers",
        title: "Top talkers",
        note: format!(
            "Packets by address, of {}{}",
            about(total.talkers_exact()),
            count(total.talker_count())
        ),
        bars: bars.collect(),
        legend: &DIRECTIONS,
        columns: tables::columns(&tables::TALKERS, total.talkers_exact()),
        rows: tables::talkers(&talkers),
    }
}

pub(crate) fn about(exact: bool) -> &'static str {
    if exact { "" } else { "about " }
}

fn ports(total: &Summary, all: u64) -> Card<'static> {
    let ports = total.ports(LISTED);
    let bars = ports.iter().take(SHOWN).map(|it| Bar {
        label: format!("{} {}", it.protocol_name(), it.port),
        parts: vec![
            (it.sent.packets, chart::SENT),
            (it.received.packets, chart::RECEIVED),
        ],
        value: value(it.tally().packets, all),
    });
    Card {
        id: "ports",
        title: "Ports",
        note: format!("Packets by port, of {}", count(total.port_count())),
        bars: bars.collect(),
        legend: &[("sent", "from it"), ("received", "to it")],
        columns: &tables::PORTS,
        rows: tables::ports(&ports),
    }
}

fn sizes(total: &Summary, all: u64) -> Card<'static> {
    let sizes = total.sizes();
    let used = |it: &&pcaps_file::SizeTally| it.packets > 0;
    let bars = sizes.iter().filter(used).map(|it| {
        bar(
            format!("{} bytes", tables::size(it)),
            it.packets,
            all,
            chart::PLAIN,
        )
    });
    Card {
        id: "sizes",
        title: "Packet sizes",
        note: "Packets by their length on the wire".to_owned(),
        bars: bars.collect(),
        legend: &[],
        columns: &tables::SIZES,
        rows: tables::sizes(&sizes),
    }
}

fn flags(total: &Summary) -> Card<'static> {
    let flags = tables::flags(total);
    let tcp = total
        .protocols()
        .iter()
        .find(|it| it.number == 6)
        .map_or(0, |it| it.tally.packets);
    let used = flags.iter().filter(|(_, packets)| *packets > 0);
    let bars = used.map(|&(name, packets)| bar(name.to_owned(), packets, tcp, chart::TCP));
    let rows = flags
        .iter()
        .map(|(name, packets)| vec![(*name).to_owned(), count(*packets)]);
    Card {
        id: "flags",
        title: "TCP flags",
        note: "Packets of TCP that have a flag, with or without others".to_owned(),
        bars: bars.collect(),
        legend: &[],
        columns: &tables::FLAGS,
        rows: rows.collect(),
    }
}

/// Who talked to whom.
pub(crate) fn flows(total: &Summary) -> Markup {
    let flows = tables::flows(&total.flows(LISTED));
    let columns = tables::columns(&tables::FLOWS, total.flows_exact());
    let (top, rest) = flows.split_at(flows.len().min(SHOWN));
    let note = format!(
        "Those with most packets and most bytes, of {}{}",
        about(total.flows_exact()),
        count(total.flow_count())
    );
    html! {
        section.card aria-labelledby="flows" {
            h2 #flows { "Flows" }
            p.faint { (note) }
            (table("top flows", columns, top))
            @if !rest.is_empty() { (folded("more flows", columns, rest)) }
        }
    }
}
