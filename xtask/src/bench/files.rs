//! `cargo xtask bench files`: merging beside `mergecap` and `cp`, reading beside `tcpdump`.

use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use super::{Bench, Contestant, Goal, mebibytes, programs, ratio};

/// How many files are merged, how many times as fast as mergecap that should be, and how many times as long as `cp` it
/// may take.
const MERGES: [(usize, f64, Option<f64>); 3] = [
    (8, 2.5, Some(1.6)),
    (100, 4.0, None),
    (2_000, 10.0, Some(4.0)),
];

/// The lengths of packets in a sample, in turn, and what they are on the wire.
const LENGTHS: [(u32, u32); 6] = [
    (60, 60),
    (90, 90),
    (110, 110),
    (120, 120),
    (160, 590),
    (160, 1_400),
];

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    let mergecap = programs::installed("mergecap", "wireshark-common")?;
    let tcpdump = programs::installed("tcpdump", "tcpdump")?;
    let pcaps = programs::build(&["--package", "pcaps-cli"], "pcaps")?;
    let read = ["--package", "pcaps-file", "--example", "read"];
    let read = programs::build(&read, "read")?;
    let packets = if bench.quick { 100_000 } else { 10_000_000 };

    let whole = bench.work().join("whole");
    write_set(&whole, packets, 1)?;
    let whole = whole.join("0000.pcap");
    for (count, faster, cp) in MERGES {
        let folder = bench.work().join("set");
        write_set(&folder, packets, count)?;
        merge(
            bench,
            &Merge {
                pcaps: &pcaps,
                mergecap: &mergecap,
                whole: &whole,
                folder: &folder,
                count,
                faster,
                cp,
            },
        )?;
        fs::remove_dir_all(&folder)?;
    }
    reading(bench, &tcpdump, &read, &whole)
}

struct Merge<'a> {
    pcaps: &'a Path,
    mergecap: &'a Path,
    whole: &'a Path,
    folder: &'a Path,
    count: usize,
    faster: f64,
    cp: Option<f64>,
}

fn merge(bench: &mut Bench, it: &Merge) -> Result<()> {
    let names: Vec<PathBuf> = (0..it.count)
        .map(|at| it.folder.join(format!("{at:04}.pcap")))
        .collect();
    // Each to a new file: what the one before left is taken away first.
    let output = bench.work().join("merged.pcap");
    let clean = || {
        let output = output.clone();
        move || {
            if output.exists() {
                fs::remove_file(&output)?;
            }
            Ok(())
        }
    };
    let command = |program: &Path, before: &'static [&'static str], after: Vec<PathBuf>| {
        let (program, output) = (program.to_owned(), output.clone());
        move || {
            let mut command = Command::new(&program);
            match before {
                [] => command.args(&after).arg(&output),
                _ => command.args(before).arg(&output).args(&after),
            };
            command
        }
    };
    let contestants = [
        Contestant::new(
            "mergecap -F pcap",
            command(it.mergecap, &["-F", "pcap", "-w"], names.clone()),
        )
        .before(clean()),
        Contestant::new("pcaps merge", command(it.pcaps, &["merge", "-o"], names)).before(clean()),
        Contestant::new(
            "cp of the whole",
            command(Path::new("cp"), &[], vec![it.whole.to_owned()]),
        )
        .before(clean()),
    ];
    let figures = bench.contest(&format!("merge of {} files", it.count), &contestants)?;
    clean()()?;
    let [mergecap, ours, cp] = figures[..] else {
        return Ok(());
    };
    bench.goal(
        "times as fast as mergecap",
        ratio(mergecap.wall, ours.wall),
        Goal::AtLeast(it.faster),
    )?;
    if let Some(most) = it.cp {
        bench.goal(
            "wall time to cp's",
            ratio(ours.wall, cp.wall),
            Goal::AtMost(most),
        )?;
    }
    bench.goal("memory, MiB", mebibytes(ours.peak), Goal::AtMost(64.0))
}

fn reading(bench: &mut Bench, tcpdump: &Path, read: &Path, whole: &Path) -> Result<()> {
    let (program, file) = (tcpdump.to_owned(), whole.to_owned());
    let theirs = move || {
        let mut command = Command::new(&program);
        command.arg("-r").arg(&file).args(["-w", "/dev/null"]);
        command.stderr(std::process::Stdio::null());
        command
    };
    let (program, file) = (read.to_owned(), whole.to_owned());
    let ours = move || {
        let mut command = Command::new(&program);
        command.arg(&file);
        command
    };
    let figures = bench.contest(
        "reading every packet",
        &[
            Contestant::new("tcpdump -w /dev/null", theirs),
            Contestant::new("pcaps_file::Reader", ours),
        ],
    )?;
    bench.goal(
        "times as fast as tcpdump",
        ratio(figures[0].wall, figures[1].wall),
        Goal::AtLeast(3.0),
    )
}

/// So many packets in so many classic files, as several machines would write them at the same time: packets of one
/// file are some milliseconds apart, and those of all files are mixed.
fn write_set(folder: &Path, packets: usize, files: usize) -> Result<()> {
    fs::create_dir_all(folder)?;
    let mut numbers = 1_u64;
    let mut below = |limit: u64| {
        numbers = numbers
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (numbers >> 33) % limit
    };
    // On average one packet in ten microseconds, of all files together.
    let step = 20 * files as u64;
    let body = [0x45; 160];
    for at in 0..files {
        let path = folder.join(format!("{at:04}.pcap"));
        let file =
            File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut file = BufWriter::with_capacity(1 << 20, file);
        let mut header = Vec::new();
        for value in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 160, 101] {
            header.extend(value.to_le_bytes());
        }
        file.write_all(&header)?;
        let mut micros = 1_767_323_045_000_000 + below(step);
        for number in 0..packets / files {
            micros += below(step);
            let (len, on_wire) = LENGTHS[number % LENGTHS.len()];
            let mut record = [0; 16];
            let fields = [
                u32::try_from(micros / 1_000_000)?,
                u32::try_from(micros % 1_000_000)?,
                len,
                on_wire,
            ];
            for (room, field) in record.chunks_exact_mut(4).zip(fields) {
                room.copy_from_slice(&field.to_le_bytes());
            }
            file.write_all(&record)?;
            file.write_all(&body[..len as usize])?;
        }
        file.flush()?;
    }
    Ok(())
}
