//! `cargo xtask bench export`: captures to Parquet, beside `tshark -T fields` to a table in text; and how time, memory and
//! size grow with the capture.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Result, ensure};

use super::{Bench, Contestant, Goal, files, mebibytes, programs, ratio, traffic::Capture};

/// The columns, as tshark calls them.
const FIELDS: [&str; 31] = [
    "frame.time_epoch",
    "frame.number",
    "frame.cap_len",
    "frame.len",
    "frame.encap_type",
    "vlan.id",
    "ip.version",
    "ip.src",
    "ip.dst",
    "ipv6.src",
    "ipv6.dst",
    "ip.proto",
    "ipv6.nxt",
    "tcp.srcport",
    "tcp.dstport",
    "udp.srcport",
    "udp.dstport",
    "ip.ttl",
    "ip.dsfield.dscp",
    "ip.id",
    "ip.frag_offset",
    "ip.flags.mf",
    "tcp.flags",
    "tcp.seq_raw",
    "tcp.window_size_value",
    "icmp.type",
    "icmp.code",
    "dns.qry.name",
    "dns.qry.type",
    "tcp.len",
    "udp.length",
];

/// What is measured of one capture.
struct Case {
    capture: Capture,
    /// What the table may take of the capture. Of the beginnings of packets it takes more: the rest, which is left out,
    /// is not there.
    share: Option<f64>,
}

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    let tshark = programs::installed("tshark", "tshark")?;
    let pcaps = programs::build(&["--package", "pcaps-cli"], "pcaps")?;
    let path = bench.work().join("traffic.pcap");
    let some = Capture {
        packets: if bench.quick { 10_000 } else { 200_000 },
        snap: Some(160),
    };
    some.write(&path)?;
    let contestants = [
        tshark_to_text(&tshark, &path, &bench.work().join("table.tsv")),
        exporting(&pcaps, &path, &bench.work().join("table")),
    ];
    let title = format!("a table of {} packets", some.packets);
    let figures = bench.contest(&title, &contestants)?;
    bench.goal(
        "times as fast as tshark",
        ratio(figures[0].cpu, figures[1].cpu),
        Goal::AtLeast(50.0),
    )?;

    let case = |packets, snap, share| Case {
        capture: Capture { packets, snap },
        share,
    };
    let million = if bench.quick { 10_000 } else { 1_000_000 };
    for case in [
        case(million, None, Some(0.1)),
        case(10 * million, None, Some(0.1)),
        case(million, Some(160), None),
        case(10 * million, Some(160), None),
        case(100 * million, Some(160), None),
    ] {
        case.capture.write(&path)?;
        growth(bench, &pcaps, &path, &case)?;
    }
    fs::remove_file(&path)?;
    match bench.captures.clone() {
        Some(folder) => real(bench, &pcaps, &folder),
        None => Ok(()),
    }
}

/// Captures that were made elsewhere, of a megabyte at least, cut as samples are. What is in them, unlike in a flood that is
/// made of random numbers, can be packed.
fn real(bench: &mut Bench, pcaps: &Path, folder: &Path) -> Result<()> {
    let editcap = programs::installed("editcap", "wireshark-common")?;
    let (samples, table) = (bench.work().join("samples"), bench.work().join("table"));
    fs::create_dir(&samples)?;
    let mut count = 0;
    for path in files::found(folder)? {
        if fs::metadata(&path)?.len() >= 1 << 20 {
            let sample = samples.join(format!("{count:04}.pcap"));
            let mut cut = Command::new(&editcap);
            cut.args(["-F", "pcap", "-s", "160"]).arg(&path);
            // One that is torn is left out.
            if cut.arg(&sample).stderr(Stdio::null()).status()?.success() {
                count += 1;
            } else if sample.exists() {
                fs::remove_file(&sample)?;
            }
        }
    }
    ensure!(
        count > 0,
        "there is no capture of a megabyte in {}",
        folder.display()
    );
    let title = format!("{count} real captures, the first 160 bytes of each packet");
    bench.contest(&title, &[exporting(pcaps, &samples, &table)])?;
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let share = size(&table)? as f64 / size(&samples)? as f64;
    bench.goal("size to the captures'", share, Goal::AtMost(0.1))
}

fn growth(bench: &mut Bench, pcaps: &Path, capture: &Path, case: &Case) -> Result<()> {
    let table = bench.work().join("table");
    let Capture { packets, snap } = case.capture;
    // A hundred million packets take their minute.
    let rounds = if packets > 10_000_000 {
        1
    } else {
        bench.rounds
    };
    let what = match snap {
        Some(snap) => format!("the first {snap} bytes"),
        None => "all bytes".to_owned(),
    };
    let title = format!("{packets} packets, {what} of each");
    let figures = bench.contest_of(rounds, &title, &[exporting(pcaps, capture, &table)])?;
    let figures = figures[0];
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let (rows, from, to) = (
        packets as f64 / 1e6 / figures.cpu.as_secs_f64(),
        fs::metadata(capture)?.len() as f64,
        size(&table)? as f64,
    );
    bench.goal("million rows a second and core", rows, Goal::AtLeast(2.0))?;
    bench.goal("memory, MiB", mebibytes(figures.peak), Goal::AtMost(64.0))?;
    let most = case.share.map_or(Goal::AtMost(0.15), Goal::AtMost);
    bench.goal("size to the capture's", to / from, most)?;
    writeln!(
        bench.report,
        "  {:.1} bytes a row, of {:.1} in the capture",
        to / f64::from(u32::try_from(packets)?),
        from / f64::from(u32::try_from(packets)?),
    )?;
    Ok(())
}

/// A table that is not there yet, each time.
fn exporting(pcaps: &Path, capture: &Path, table: &Path) -> Contestant {
    let (pcaps, capture, table) = (pcaps.to_owned(), capture.to_owned(), table.to_owned());
    let gone = table.clone();
    let command = move || {
        let mut command = Command::new(&pcaps);
        command
            .args(["export", "--quiet", "-o"])
            .arg(&table)
            .arg(&capture);
        command
    };
    Contestant::new("pcaps export", command).before(move || {
        if gone.exists() {
            fs::remove_dir_all(&gone)?;
        }
        Ok(())
    })
}

fn tshark_to_text(tshark: &Path, capture: &Path, table: &Path) -> Contestant {
    let mut words = vec!["-n", "-T", "fields"];
    words.extend(FIELDS.iter().flat_map(|it| ["-e", it]));
    let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
    let (tshark, capture, table) = (tshark.to_owned(), capture.to_owned(), table.to_owned());
    Contestant::new("tshark -T fields", move || {
        let mut command = Command::new("sh");
        command
            .args(["-c", "\"$@\" >\"$0\""])
            .arg(&table)
            .arg(&tshark);
        command
            .arg("-r")
            .arg(&capture)
            .args(&words)
            .stderr(Stdio::null());
        command
    })
}

/// How many bytes all below a folder have.
fn size(folder: &Path) -> Result<u64> {
    let mut size = 0;
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for it in fs::read_dir(next)? {
            let it = it?;
            if it.file_type()?.is_dir() {
                folders.push(it.path());
            } else {
                size += it.metadata()?.len();
            }
        }
    }
    Ok(size)
}
