//! The summary as people see it: one screen.

use std::fmt;

use super::family::Sums;
use super::{Finding, FindingKind, LayerTally, Summary, Tally, rules};
use crate::dissect::TcpFlags;
use crate::human;
use crate::packet::Timestamp;

/// How many flows, talkers and ports are listed, by packets and by bytes.
const LISTED: usize = 5;
/// How many lines the tree of headers has.
const LAYERS: usize = 14;
/// How many findings of a kind are told.
const FINDINGS: usize = 3;
/// How wide the column of names is.
const NAMES: usize = 14;
/// How wide the lines are in which the rate is drawn, unless it is said otherwise.
const COLUMNS: usize = 76;

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, COLUMNS, &|time| time.to_string())
    }
}

/// A summary whose times are written in another way than RFC 3339, in so many columns.
struct Text<'a, F>(&'a Summary, usize, F);

impl<F: Fn(Timestamp) -> String> fmt::Display for Text<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f, self.1, &self.2)
    }
}

impl Summary {
    /// The table for people, with times as `time` writes them: in their own zone, perhaps.
    ///
    /// At its end the rate is drawn, in so many `columns` with its name; 76 of them without a terminal.
    ///
    /// ```
    /// let summary = pcaps_file::Summary::default();
    /// let text = summary.to_text(80, |time| format!("{} s", time.as_nanos() / 1_000_000_000));
    /// assert_eq!(text, summary.to_string(), "there are no times in it");
    /// ```
    pub fn to_text(&self, columns: usize, time: impl Fn(Timestamp) -> String) -> String {
        Text(self, columns, time).to_string()
    }

    fn write(
        &self,
        f: &mut fmt::Formatter<'_>,
        columns: usize,
        time: &dyn Fn(Timestamp) -> String,
    ) -> fmt::Result {
        line(f, "packets", &human::count(self.packets()))?;
        let Some(((first, last), duration)) = self.times().zip(self.duration()) else {
            return Ok(());
        };
        line(f, "first", &time(first))?;
        line(f, "last", &time(last))?;
        line(f, "duration", &human::duration(duration))?;
        if !duration.is_zero() {
            let packets = human::rate(self.packets(), duration);
            let bits = human::bit_rate(self.bytes_on_wire(), duration);
            line(f, "on average", &format!("{packets} packets/s, {bits}"))?;
        }
        line(f, "on the wire", &bytes(self.bytes_on_wire()))?;
        line(f, "captured", &bytes(self.bytes_captured()))?;
        self.sizes_in_words(f)?;
        self.flags_in_words(f)?;
        let tunnelled = self.tunnelled().packets;
        if tunnelled > 0 {
            let packets = human::count(tunnelled);
            let share = human::share(tunnelled, self.packets());
            line(f, "in tunnels", &format!("{packets} packets ({share})"))?;
        }
        self.tree(f)?;
        let ends = self.ends();
        self.tables(f, &ends)?;
        self.end(f, columns, &rules::findings(self, &ends))
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    writeln!(f, "{name:<NAMES$}{value}")
}

fn bytes(bytes: u64) -> String {
    if bytes < 1_000 {
        return human::size(bytes);
    }
    format!("{} ({} bytes)", human::size(bytes), human::count(bytes))
}

/// What may have been missed, at most, of either version of IP.
fn most(v4: Tally, v6: Tally) -> Tally {
    Tally {
        packets: v4.packets.max(v6.packets),
        bytes_on_wire: v4.bytes_on_wire.max(v6.bytes_on_wire),
    }
}

/// One row of a table of flows, talkers or ports.
struct Row {
    name: String,
    tally: Tally,
    sent: Tally,
    received: Tally,
}

impl Summary {
    /// The rate as bars, and what looks like an attack.
    fn end(&self, f: &mut fmt::Formatter<'_>, columns: usize, findings: &[Finding]) -> fmt::Result {
        let (bars, words) = self.sparkline(columns.saturating_sub(NAMES + 2));
        writeln!(f)?;
        line(f, "rate", &format!("▕{bars}▏"))?;
        line(f, "", &words)?;
        if findings.is_empty() {
            let none = if self.is_enough_for_findings() {
                "none of the rules for attacks applies"
            } else {
                "too few packets of IP to tell"
            };
            return line(f, "findings", none);
        }
        let mut name = "looks like";
        for kind in FindingKind::ALL {
            let of_kind = || findings.iter().filter(|it| it.kind == kind);
            for finding in of_kind().take(FINDINGS) {
                line(f, name, &finding.headline())?;
                line(f, "", &format!("  {}", finding.reason()))?;
                name = "";
            }
            let left = of_kind().skip(FINDINGS).count();
            if left > 0 {
                let left = human::count(left as u64);
                line(f, "", &format!("and {left} more of this kind: {kind}"))?;
            }
        }
        Ok(())
    }

    fn sizes_in_words(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shortest, longest) = self.sizes.ends;
        let mean = self.bytes_on_wire() / self.packets().max(1);
        let longest_captured = human::count(self.largest_captured().into());
        let [shortest, mean, longest] = [shortest.into(), mean, longest.into()].map(human::count);
        line(
            f,
            "packet sizes",
            &format!(
                "{shortest} to {longest} bytes, on average {mean}; captured up to {longest_captured}"
            ),
        )?;
        let packets = self.packets();
        let ranges: Vec<String> = self
            .sizes
            .ranges()
            .filter(|range| range.packets > 0)
            .map(|range| {
                let share = human::share(range.packets, packets);
                match range.to {
                    Some(to) => format!("{}-{to}: {share}", range.from),
                    None => format!("from {}: {share}", range.from),
                }
            })
            .collect();
        for (at, ranges) in ranges.chunks(4).enumerate() {
            let end = if (at + 1) * 4 < ranges.len() { "," } else { "" };
            line(f, "", &format!("{}{end}", ranges.join(", ")))?;
        }
        Ok(())
    }

    fn flags_in_words(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with = |set| self.tcp_packets(set, TcpFlags::default());
        let flags: Vec<String> = [
            ("SYN", self.tcp_packets(TcpFlags::SYN, TcpFlags::ACK)),
            ("SYN-ACK", with(TcpFlags(TcpFlags::SYN.0 | TcpFlags::ACK.0))),
            ("FIN", with(TcpFlags::FIN)),
            ("RST", with(TcpFlags::RST)),
            (
                "none",
                self.tcp_packets(TcpFlags::default(), TcpFlags(u8::MAX)),
            ),
        ]
        .into_iter()
        .filter(|&(_, packets)| packets > 0)
        .map(|(name, packets)| format!("{name} {}", human::count(packets)))
        .collect();
        if flags.is_empty() {
            return Ok(());
        }
        line(f, "TCP flags", &flags.join(", "))
    }

    /// Headers with their packets, share of the packets, and bytes on the wire.
    fn tree(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn rows(layer: &LayerTally, depth: usize, into: &mut Vec<(String, Tally)>) {
            into.push((format!("{:1$}{2}", "", 2 * depth, layer.name), layer.tally));
            for inner in &layer.inside {
                rows(inner, depth + 1, into);
            }
        }
        let mut all = Vec::new();
        for (_, layer) in self.layers() {
            rows(&layer, 0, &mut all);
        }
        let packets = self.packets();
        let listed: Vec<[String; 4]> = all
            .iter()
            .take(LAYERS)
            .map(|(name, tally)| {
                [
                    name.clone(),
                    human::count(tally.packets),
                    human::share(tally.packets, packets),
                    human::size(tally.bytes_on_wire),
                ]
            })
            .collect();
        table(f, ["headers", "packets", "", "on the wire"], &listed)?;
        match all.len().saturating_sub(LAYERS) {
            0 => Ok(()),
            left => writeln!(f, "and {} more", human::count(left as u64)),
        }
    }

    fn tables(&self, f: &mut fmt::Formatter<'_>, ends: &Sums) -> fmt::Result {
        let rows: Vec<Row> = ends
            .top_talkers(LISTED)
            .into_iter()
            .map(|it| Row {
                name: it.address.to_string(),
                tally: it.tally(),
                sent: it.sent,
                received: it.received,
            })
            .collect();
        tallies(
            f,
            &of(ends.talker_count(), ends.talkers_exact(), "address"),
            &rows,
        )?;
        let rows: Vec<Row> = ends
            .ports
            .top(LISTED)
            .into_iter()
            .map(|it| Row {
                name: format!("{} {}", it.protocol_name(), it.port),
                tally: it.tally(),
                sent: it.sent,
                received: it.received,
            })
            .collect();
        tallies(f, &of(ends.ports.count(), true, "port"), &rows)?;
        let rows: Vec<Row> = self
            .flows(LISTED)
            .into_iter()
            .map(|it| Row {
                name: format!("{} {} ↔ {}", it.protocol_name(), end(it.a), end(it.b)),
                tally: it.tally(),
                sent: it.from_a,
                received: it.from_b,
            })
            .collect();
        tallies(f, &of(self.flow_count(), self.flows_exact(), "flow"), &rows)?;
        for (name, exact, missed) in [
            (
                "addresses",
                ends.talkers_exact(),
                most(ends.v4.talkers.missed(), ends.v6.talkers.missed()),
            ),
            (
                "flows",
                self.flows_exact(),
                most(self.v4.flows.missed(), self.v6.flows.missed()),
            ),
        ] {
            if !exact {
                let packets = human::count(missed.packets);
                let bytes = human::size(missed.bytes_on_wire);
                writeln!(
                    f,
                    "{name} are approximate, there were too many: each may have up to {packets} packets or {bytes} more"
                )?;
            }
        }
        Ok(())
    }
}

/// `address (of 12)`.
fn of(count: u64, exact: bool, what: &str) -> String {
    let about = if exact { "" } else { "about " };
    format!("{what} (of {about}{})", human::count(count))
}

/// `192.0.2.1:53`, `[2001:db8::1]:53`.
fn end((address, port): (std::net::IpAddr, Option<u16>)) -> String {
    match port {
        Some(port) => std::net::SocketAddr::new(address, port).to_string(),
        None => address.to_string(),
    }
}

fn tallies(f: &mut fmt::Formatter<'_>, title: &str, rows: &[Row]) -> fmt::Result {
    let rows: Vec<[String; 5]> = rows
        .iter()
        .map(|row| {
            [
                row.name.clone(),
                human::count(row.tally.packets),
                human::size(row.tally.bytes_on_wire),
                human::count(row.sent.packets),
                human::count(row.received.packets),
            ]
        })
        .collect();
    table(
        f,
        [title, "packets", "on the wire", "sent", "received"],
        &rows,
    )
}

/// The first column to the left, the others to the right. No rows, no table.
fn table<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    titles: [&str; N],
    rows: &[[String; N]],
) -> fmt::Result {
    if rows.is_empty() {
        return Ok(());
    }
    let titles = titles.map(str::to_owned);
    let width = |column: usize| {
        let cells = std::iter::once(&titles).chain(rows);
        let widths = cells.map(|row| row.get(column).map_or(0, |cell| cell.chars().count()));
        widths.max().unwrap_or(0)
    };
    writeln!(f)?;
    for row in std::iter::once(&titles).chain(rows) {
        for (column, cell) in row.iter().enumerate() {
            let width = width(column);
            match column {
                0 => write!(f, "{cell:<0$}", width.max(12))?,
                _ => write!(f, "  {cell:>width$}")?,
            }
        }
        writeln!(f)?;
    }
    Ok(())
}
