//! The summary as people see it.

use std::cmp::Reverse;
use std::fmt;

use super::{Summary, Tally};
use crate::human;

/// How many talkers, and how many protocols, are listed.
const LISTED: usize = 10;

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line =
            |f: &mut fmt::Formatter<'_>, name: &str, value: &str| writeln!(f, "{name:<14}{value}");
        line(f, "packets", &human::count(self.packets()))?;
        let Some(((first, last), duration)) = self.times.zip(self.duration()) else {
            return Ok(());
        };
        line(f, "first", &first.to_string())?;
        line(f, "last", &last.to_string())?;
        line(f, "duration", &human::duration(duration))?;
        if !duration.is_zero() {
            let packets = human::rate(self.packets(), duration);
            let bits = human::bit_rate(self.bytes_on_wire(), duration);
            line(f, "rate", &format!("{packets} packets/s, {bits}"))?;
        }
        line(f, "on the wire", &bytes(self.bytes_on_wire()))?;
        line(f, "captured", &bytes(self.bytes_captured()))?;
        let longest = human::count(self.largest_captured().into());
        line(f, "longest", &format!("{longest} bytes captured"))?;
        for (at, (link, packets)) in self.link_types().take(LISTED).enumerate() {
            let name = if at == 0 { "link type" } else { "" };
            if self.link_types.len() == 1 {
                line(f, name, &link.to_string())?;
            } else {
                let packets = human::count(packets);
                line(f, name, &format!("{link} ({packets})"))?;
            }
        }
        more(f, self.link_types.len())?;

        let mut rows: Vec<(String, Tally)> = self
            .protocols()
            .into_iter()
            .map(|protocol| (protocol.name, protocol.tally))
            .collect();
        if self.not_ip.packets > 0 {
            rows.push(("not IP".to_owned(), self.not_ip));
            rows.sort_by_key(|(_, tally)| Reverse(tally.key()));
        }
        self.table(f, "protocol", &rows, rows.len())?;

        let rows: Vec<_> = self
            .talkers(LISTED)
            .into_iter()
            .map(|talker| (talker.address.to_string(), talker.tally))
            .collect();
        // How many there are is known only while all are counted.
        let total = if self.talkers_exact() {
            self.talkers.len()
        } else {
            rows.len()
        };
        self.table(f, "source", &rows, total)?;
        if !self.talkers_exact() {
            let missed = human::count(self.talkers.missed());
            writeln!(
                f,
                "sources are approximate, there were too many: each may have up to {missed} packets more"
            )?;
        }
        Ok(())
    }
}

impl Summary {
    /// Names with their packets, share of the packets, and bytes on the wire.
    ///
    /// `total` is how many rows there would be.
    fn table(
        &self,
        f: &mut fmt::Formatter<'_>,
        title: &str,
        rows: &[(String, Tally)],
        total: usize,
    ) -> fmt::Result {
        if rows.is_empty() {
            return Ok(());
        }
        let header = [title, "packets", "", "on the wire"].map(str::to_owned);
        let listed = rows.iter().take(LISTED).map(|(name, tally)| {
            [
                name.clone(),
                human::count(tally.packets),
                human::share(tally.packets, self.packets()),
                human::size(tally.bytes_on_wire),
            ]
        });
        let cells: Vec<[String; 4]> = std::iter::once(header).chain(listed).collect();
        let width = |column: usize| {
            let longest = cells.iter().map(|row| row[column].len()).max();
            longest.unwrap_or(0)
        };
        let (names, packets, shares, sizes) = (width(0).max(12), width(1), width(2), width(3));
        writeln!(f)?;
        for [name, count, share, size] in &cells {
            writeln!(
                f,
                "{name:<names$}  {count:>packets$}  {share:>shares$}  {size:>sizes$}"
            )?;
        }
        more(f, total)
    }
}

/// Says how many rows were left out.
fn more(f: &mut fmt::Formatter<'_>, rows: usize) -> fmt::Result {
    match rows.saturating_sub(LISTED) {
        0 => Ok(()),
        left => writeln!(f, "and {} more", human::count(left as u64)),
    }
}

fn bytes(bytes: u64) -> String {
    if bytes < 1_000 {
        return human::size(bytes);
    }
    format!("{} ({} bytes)", human::size(bytes), human::count(bytes))
}
