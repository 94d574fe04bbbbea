//! What looks like an attack, as it is told.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use super::few::Few;
use super::rules;
use crate::human;

/// What a [`Finding`] looks like.
///
/// [`rule`](Self::rule) says when there is one, and [`false_alarms`](Self::false_alarms) what else looks the same. The
/// rules look at shares and shapes, not at rates: a sample is an unknown part of the traffic.
///
/// # Examples
///
/// ```
/// use pcaps_file::FindingKind;
///
/// assert_eq!(FindingKind::SynFlood.to_string(), "SYN flood");
/// assert_eq!(FindingKind::SynFlood.as_str(), "syn_flood");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FindingKind {
    /// Many connections are begun, and hardly any goes on.
    SynFlood,
    /// Large answers of DNS to an address that did not ask.
    DnsAmplification,
    /// Large answers of NTP to an address that did not ask.
    NtpAmplification,
    /// An address tries many others, or many ports.
    PortScan,
    /// Most of the traffic comes from one address, which is hardly answered.
    OneSource,
    /// Most of the traffic goes to one address, which hardly answers.
    OneDestination,
}

impl FindingKind {
    /// All kinds there are now, in the order of [`Summary::findings`](super::Summary::findings).
    pub const ALL: [Self; 6] = [
        Self::SynFlood,
        Self::DnsAmplification,
        Self::NtpAmplification,
        Self::PortScan,
        Self::OneSource,
        Self::OneDestination,
    ];

    /// Its name for programs: `syn_flood`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SynFlood => "syn_flood",
            Self::DnsAmplification => "dns_amplification",
            Self::NtpAmplification => "ntp_amplification",
            Self::PortScan => "port_scan",
            Self::OneSource => "one_source",
            Self::OneDestination => "one_destination",
        }
    }

    /// When there is a finding of it, with all thresholds.
    pub fn rule(self) -> String {
        rules::in_words(self)
    }

    /// What is no attack and looks like this one.
    pub fn false_alarms(self) -> &'static str {
        match self {
            Self::SynFlood => {
                "a server that is down, whose clients try again and again; a monitor that only knocks and never hangs up, or checks from many places that hang up with RST; the scanners that always sweep the whole Internet, where little else is captured; a capture filtered by flags"
            }
            Self::DnsAmplification => {
                "a busy resolver that gets long answers (DNSSEC, TXT), where its questions take another way"
            }
            Self::NtpAmplification => {
                "monitoring that asks many time servers for their state, where its questions take another way"
            }
            Self::PortScan => {
                "an inventory or a vulnerability scan of your own; a client that looks for peers, as in BitTorrent; the scanners that always sweep the whole Internet; a busy client, in a capture filtered by flags"
            }
            Self::OneSource => {
                "a stream, a backup or a download over UDP; anything one-way, where the answers take another way; a capture filtered by source"
            }
            Self::OneDestination => {
                "your busiest server, where what it answers takes another way; a collector of logs or flows; a capture filtered by destination"
            }
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::SynFlood => "SYN flood",
            Self::DnsAmplification => "DNS amplification",
            Self::NtpAmplification => "NTP amplification",
            Self::PortScan => "port scan",
            Self::OneSource => "one source",
            Self::OneDestination => "one destination",
        })
    }
}

/// One in so many packets is of a flow in both directions, at least, where both are captured.
const BOTH_WAYS: u64 = 100;

/// Something that looks like an attack: what, about whom, and why.
///
/// Beside what it says it may be something else: see [`FindingKind::false_alarms`].
///
/// These are its `figures`; those with `*` are estimates, mostly within a tenth up to 500, and 1,000 at most (those with `**` up
/// to 200, and 500 at most):
///
/// | kind | figures |
/// |---|---|
/// | SYN flood | `syns` (without ACK, to that address and port), `ends` (FIN or RST to it), `resets` (RST among them), `sources`*, `received` (packets of TCP to the address, at most) |
/// | DNS, NTP amplification | `answers`, `bytes_on_wire` of them, `questions`, `sources`*, `both_ways`, `all_packets` |
/// | port scan | `syns` (without ACK, from that address; not those to an address and port that had got 256), `targets`* (addresses with ports), `hosts`**, `ports`**, `sent` (packets from the address, at most) |
/// | one source | `packets`, `bytes_on_wire` (from that address), `answers` (packets to it), `destinations`*, `both_ways`, `all_packets`, `all_bytes_on_wire` |
/// | one destination | `packets`, `bytes_on_wire` (to that address), `answers` (packets from it), `sources`*, `both_ways`, `all_packets`, `all_bytes_on_wire` |
///
/// `all_packets` and `all_bytes_on_wire` are the capture's, and `both_ways` how many of its packets are of flows in which both
/// ends were seen to send: of a capture of what comes in alone, hardly any. Where there were too many addresses to count all
/// exactly, "at most" has what may have been missed, and other packets, bytes, questions and answers are lower bounds.
///
/// `Display` is one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What it looks like.
    pub kind: FindingKind,
    /// Who is attacked; of a port scan and of one source, who attacks.
    pub address: IpAddr,
    /// The port that is attacked by a SYN flood, or that the answers of an amplification come from.
    pub port: Option<u16>,
    /// What it rests on, by name.
    pub figures: BTreeMap<&'static str, u64>,
}

impl Finding {
    /// What it looks like and about whom: `SYN flood on 192.0.2.1, TCP port 443`.
    pub fn headline(&self) -> String {
        let Self { kind, address, .. } = self;
        match (kind, self.port) {
            (FindingKind::SynFlood, Some(port)) => format!("{kind} on {address}, TCP port {port}"),
            (FindingKind::PortScan, _) => format!("{kind} by {address}"),
            (FindingKind::OneSource | FindingKind::OneDestination, _) => {
                format!("{kind}, {address}")
            }
            _ => format!("{kind} against {address}"),
        }
    }

    /// Why: the figures, in words.
    pub fn reason(&self) -> String {
        let number = |name| human::count(self.figure(name));
        let some = |name, one: &str, many: &str| {
            let most = match name {
                "hosts" | "ports" => Few::<2>::MOST,
                _ => Few::<4>::MOST,
            };
            some(self.figure(name), most, one, many)
        };
        let share = |part, whole| human::share(self.figure(part), self.figure(whole));
        match self.kind {
            FindingKind::SynFlood => format!(
                "{} SYNs from {}, and {} packets that end a connection; {} of the TCP packets to it are SYNs",
                number("syns"),
                some("sources", "source", "sources"),
                number("ends"),
                share("syns", "received"),
            ),
            FindingKind::DnsAmplification | FindingKind::NtpAmplification => {
                let mean = self.figure("bytes_on_wire") / self.figure("answers").max(1);
                format!(
                    "{} answers of {} bytes on average from UDP port {} of {}, to {} questions{}",
                    number("answers"),
                    human::count(mean),
                    self.port.unwrap_or_default(),
                    some("sources", "source", "sources"),
                    number("questions"),
                    self.one_way("one that asks much"),
                )
            }
            FindingKind::PortScan => format!(
                "{} SYNs to {} of {}, {} in all, which are {} of what it sent",
                number("syns"),
                some("ports", "port", "ports"),
                some("hosts", "address", "addresses"),
                some("targets", "target", "targets"),
                share("syns", "sent"),
            ),
            FindingKind::OneSource => format!(
                "it sent {} of all packets and {} of all bytes, to {}, and got {} packets{}",
                share("packets", "all_packets"),
                share("bytes_on_wire", "all_bytes_on_wire"),
                some("destinations", "address", "addresses"),
                number("answers"),
                self.one_way("a busy server or a backup"),
            ),
            FindingKind::OneDestination => format!(
                "it got {} of all packets and {} of all bytes, from {}, and sent {} packets{}",
                share("packets", "all_packets"),
                share("bytes_on_wire", "all_bytes_on_wire"),
                some("sources", "address", "addresses"),
                number("answers"),
                self.one_way("your busiest server"),
            ),
        }
    }

    /// What else it may be, where that it is not answered says nothing: answers were not captured.
    fn one_way(&self, innocent: &str) -> String {
        let both_ways = self.figure("both_ways").saturating_mul(BOTH_WAYS);
        if both_ways >= self.figure("all_packets") {
            return String::new();
        }
        format!("; hardly anything was seen in both directions, so this may be {innocent}")
    }

    fn figure(&self, name: &str) -> u64 {
        self.figures.get(name).copied().unwrap_or_default()
    }
}

/// An estimate: `1 source`, `about 25 sources`, `1,000 sources or more`.
fn some(number: u64, most: u64, one: &str, many: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ if number >= most => format!("{} {many} or more", human::count(most)),
        _ => format!("about {number} {many}"),
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.headline(), self.reason())
    }
}
