//! What a filter takes, against tcpdump: packet by packet, over real and made packets, whole and cut.
//!
//! `PCAPS_CAPTURES` may name a folder with more capture files. Without tcpdump nothing is compared.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use pcaps_file::filter::{Program, parse};
use pcaps_file::{LinkType, Packet, Reader, Timestamp, Writer, WriterOptions};
use proptest::prelude::*;

#[path = "common/expressions.rs"]
mod expressions;
#[path = "common/packets.rs"]
mod packets;

/// Bytes, and the length on the wire.
type Owned = (Vec<u8>, u32);

/// Packets of one link type, and the same in a file, where the time says which is which.
struct Corpus {
    link_type: LinkType,
    packets: Vec<Owned>,
    path: PathBuf,
}

impl Corpus {
    fn new(name: &str, link_type: LinkType, packets: Vec<Owned>) -> Self {
        let name = format!("{name}-{}.pcap", link_type.0);
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let file = File::create(&path).expect("a file");
        let mut writer = Writer::new(file, WriterOptions::new(link_type)).expect("a writer");
        for (at, (bytes, original_len)) in packets.iter().enumerate() {
            let seconds = u32::try_from(at).expect("few packets");
            let packet = Packet {
                timestamp: Timestamp::from_parts(seconds, 0),
                link_type,
                original_len: *original_len,
                bytes,
            };
            writer.write(&packet).expect("a packet");
        }
        writer.finish().expect("a file");
        Self {
            link_type,
            packets,
            path,
        }
    }

    /// What our program takes; `None` if it is refused.
    fn ours(&self, expression: &str) -> Option<Vec<bool>> {
        let program = Program::new(&parse(expression).ok()?, self.link_type).ok()?;
        let packets = self.packets.iter();
        Some(
            packets
                .map(|(bytes, len)| program.matches(bytes, *len))
                .collect(),
        )
    }

    /// What tcpdump takes, or what it says.
    fn tcpdump(&self, expression: &str, more: &[&str]) -> Result<Vec<bool>, String> {
        let input = File::open(&self.path).expect("the file");
        let output = Command::new("tcpdump")
            .args(more)
            .args(["-r", "-", "-w", "-", "--", expression])
            .stdin(input)
            .stderr(Stdio::piped())
            .output()
            .expect("tcpdump");
        let mut taken = vec![false; self.packets.len()];
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return if said.contains("rejects all packets") {
                Ok(taken)
            } else {
                Err(said)
            };
        }
        let mut reader = Reader::new(output.stdout.as_slice(), "tcpdump").expect("a capture");
        while let Some(packet) = reader.next_packet().expect("a packet") {
            let at = packet.timestamp.as_nanos() / 1_000_000_000;
            taken[usize::try_from(at).expect("few packets")] = true;
        }
        Ok(taken)
    }

    /// Compares, and gives how many packets were taken. Where a packet is cut, libpcap's optimiser changes what its
    /// program says: either is right.
    fn compare(&self, expression: &str) -> Result<usize, String> {
        let ours = self.ours(expression);
        let theirs = [&[][..], &["-O"]].map(|more| self.tcpdump(expression, more));
        let theirs = match theirs {
            // The optimiser divides what is known, and gives up on a zero.
            [Err(said), Ok(plain)] if said.contains("by zero") => [Ok(plain.clone()), Ok(plain)],
            theirs => theirs,
        };
        let (ours, [Ok(optimised), Ok(plain)]) = (ours.as_ref(), &theirs) else {
            // Refused by both, or by one.
            return match (ours, theirs) {
                (None, [Err(_), Err(_)]) => Ok(0),
                (_, theirs) => Err(format!("{expression} on {}: {theirs:?}", self.link_type)),
            };
        };
        let Some(ours) = ours else {
            return Err(format!(
                "{expression} on {}: only we refuse",
                self.link_type
            ));
        };
        for (at, ours) in ours.iter().enumerate() {
            if *ours != optimised[at] && *ours != plain[at] {
                let (bytes, len) = &self.packets[at];
                return Err(format!(
                    "{expression} on {}: we say {ours} to packet {at}, {len} bytes, {bytes:02x?}",
                    self.link_type
                ));
            }
        }
        Ok(ours.iter().filter(|taken| **taken).count())
    }
}

fn is_there() -> bool {
    let is_there = Command::new("tcpdump").arg("--version").output().is_ok();
    if !is_there {
        eprintln!("SKIPPED: tcpdump is not installed, and nothing was compared with it");
    }
    is_there
}

/// Made packets, cut everywhere, as every link type.
fn made(name: &str) -> Vec<Corpus> {
    let mut all: BTreeMap<LinkType, Vec<Owned>> = BTreeMap::new();
    for packet in packets::ethernet() {
        for (link_type, bytes) in packets::as_every_link_type(&packet) {
            let original_len = u32::try_from(bytes.len()).expect("a short packet");
            let cuts = (0..bytes.len()).step_by(if bytes.len() > 100 { 7 } else { 1 });
            let list = all.entry(link_type).or_default();
            list.extend(cuts.map(|len| (bytes[..len].to_vec(), original_len)));
            list.push((bytes, original_len));
        }
    }
    let all = all.into_iter();
    all.map(|(link_type, packets)| Corpus::new(name, link_type, packets))
        .collect()
}

/// The packets of real files, by link type, each whole and cut once.
fn real(name: &str) -> Vec<Corpus> {
    const KNOWN: [LinkType; 7] = [
        LinkType::NULL,
        LinkType::ETHERNET,
        LinkType::RAW,
        LinkType::LINUX_SLL,
        LinkType::IPV4,
        LinkType::IPV6,
        LinkType::LINUX_SLL2,
    ];
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let more = std::env::var_os("PCAPS_CAPTURES").map(PathBuf::from);
    let mut all: BTreeMap<LinkType, Vec<Owned>> = BTreeMap::new();
    let mut files = 0;
    for folder in [Some(own), more].into_iter().flatten() {
        let entries =
            fs::read_dir(&folder).unwrap_or_else(|it| panic!("{}: {it}", folder.display()));
        let mut paths: Vec<_> = entries
            .map(|entry| entry.expect("an entry").path())
            .collect();
        paths.sort();
        for path in paths {
            // Other files are there too, and some are broken on purpose.
            let Ok(mut reader) = Reader::open(&path) else {
                continue;
            };
            files += 1;
            while let Ok(Some(packet)) = reader.next_packet() {
                // tcpdump reads no more of one.
                if !KNOWN.contains(&packet.link_type) || packet.bytes.len() > 262_144 {
                    continue;
                }
                let list = all.entry(packet.link_type).or_default();
                let cut = list.len() * 37 % (packet.bytes.len() + 1);
                list.push((packet.bytes.to_vec(), packet.original_len));
                list.push((packet.bytes[..cut].to_vec(), packet.original_len));
            }
        }
    }
    let packets: usize = all.values().map(Vec::len).sum();
    println!(
        "{packets} packets of {files} files, as {} link types",
        all.len()
    );
    let all = all.into_iter();
    all.map(|(link_type, packets)| Corpus::new(name, link_type, packets))
        .collect()
}

#[test]
fn the_same_packets_as_tcpdump() {
    if !is_there() {
        return;
    }
    let mut wrong = Vec::new();
    let [made, real] = [made("made"), real("real")];
    for expression in expressions::LIST {
        let mut taken = 0;
        for corpus in made.iter().chain(&real) {
            match corpus.compare(expression) {
                Ok(count) => taken += count,
                Err(why) => wrong.push(why),
            }
        }
        // A list that takes nothing would prove nothing.
        if taken == 0 {
            wrong.push(format!("{expression} takes nothing"));
        }
    }
    println!("{} expressions", expressions::LIST.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn random_expressions_take_the_same_packets_as_tcpdump() {
    if !is_there() {
        return;
    }
    let corpora = made("random");
    let cases = std::env::var("PROPTEST_CASES").map_or(60, |it| it.parse().expect("a number"));
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let strategy = (expressions::any(), 0..corpora.len());
    let run = runner.run(&strategy, |(expression, at)| {
        let outcome = corpora[at].compare(&expression);
        // libpcap has sixteen registers, and looks for a zero or a far shift in the first number only of what stands on
        // the right: it refuses `1 << (40 - 39)`.
        let refused = ["out of registers", "by zero", "more than 31 bits"];
        if outcome
            .as_ref()
            .is_err_and(|why| refused.iter().any(|it| why.contains(it)))
        {
            return Err(TestCaseError::reject("libpcap cannot"));
        }
        outcome.map(drop).map_err(TestCaseError::fail)
    });
    run.unwrap_or_else(|error| panic!("{error}"));
}
