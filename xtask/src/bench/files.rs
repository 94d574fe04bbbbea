//! `cargo xtask bench files`: merging beside `mergecap` and `cp`, reading and filtering beside `tcpdump`, summing up
//! beside `capinfos` and `tshark`.

mod set;

pub(super) use set::found;

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Result, ensure};

use super::{Bench, Contestant, Goal, mebibytes, programs, ratio, traffic::Capture};

/// How many files are merged, how many times as fast as mergecap that should be, and how many times as long as `cp` it
/// may take.
const MERGES: [(usize, f64, Option<f64>); 3] = [
    (8, 2.5, Some(1.6)),
    (100, 4.0, None),
    (2_000, 10.0, Some(4.0)),
];

/// What is filtered for: tests of several sorts, of which most are made for most packets.
const EXPRESSION: &str = "udp or tcp port 443 and tcp[tcpflags] & (tcp-syn|tcp-fin) != 0";

/// The programs that take part.
struct Programs {
    pcaps: PathBuf,
    read: PathBuf,
    mergecap: PathBuf,
    tcpdump: PathBuf,
    capinfos: PathBuf,
    tshark: PathBuf,
}

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    let read = ["--package", "pcaps-file", "--example", "read"];
    let programs = Programs {
        mergecap: programs::installed("mergecap", "wireshark-common")?,
        tcpdump: programs::installed("tcpdump", "tcpdump")?,
        capinfos: programs::installed("capinfos", "wireshark-common")?,
        tshark: programs::installed("tshark", "tshark")?,
        pcaps: programs::build(&["--package", "pcaps-cli"], "pcaps")?,
        read: programs::build(&read, "read")?,
    };
    let packets = if bench.quick { 100_000 } else { 10_000_000 };

    let whole = bench.work().join("whole");
    set::write(&whole, packets, 1)?;
    let whole = whole.join("0000.pcap");
    for (count, faster, cp) in MERGES {
        let folder = bench.work().join("set");
        set::write(&folder, packets, count)?;
        let names = (0..count)
            .map(|at| folder.join(format!("{at:04}.pcap")))
            .collect();
        let merge = Merge {
            title: format!("merge of {count} files"),
            names,
            whole: &whole,
            faster,
            cp,
        };
        merge.contest(bench, &programs)?;
        fs::remove_dir_all(&folder)?;
    }
    summing(bench, &programs, "packets of one flow", &whole)?;
    dissecting(bench, &programs, "packets of one flow", &whole)?;
    fs::remove_file(&whole)?;

    let traffic = bench.work().join("sample.pcap");
    let sample = Capture {
        packets: packets as u64,
        snap: Some(160),
    };
    sample.write(&traffic)?;
    single(bench, &programs, "synthetic packets", &traffic)?;
    dissecting(bench, &programs, "synthetic packets", &traffic)?;
    fs::remove_file(&traffic)?;
    match bench.captures.clone() {
        Some(folder) => real(bench, &programs, &folder),
        None => Ok(()),
    }
}

/// What is measured over one file.
fn single(bench: &mut Bench, programs: &Programs, what: &str, file: &Path) -> Result<()> {
    reading(bench, programs, what, file)?;
    filtering(bench, programs, what, file)?;
    summing(bench, programs, what, file)
}

/// The same over captures that were made elsewhere: merged, and then as one.
fn real(bench: &mut Bench, programs: &Programs, folder: &Path) -> Result<()> {
    let names = set::found(folder)?;
    ensure!(
        !names.is_empty(),
        "there are no capture files of Ethernet in {}",
        folder.display()
    );
    let whole = bench.work().join("real.pcap");
    let mut mergecap = Command::new(&programs.mergecap);
    mergecap.args(["-F", "pcap", "-w"]).arg(&whole).args(&names);
    ensure!(mergecap.status()?.success(), "mergecap failed");
    let title = format!("merge of {} real files", names.len());
    let merge = Merge {
        title,
        names,
        whole: &whole,
        // As of as many that are made up.
        faster: 4.0,
        cp: None,
    };
    merge.contest(bench, programs)?;
    single(bench, programs, "real packets", &whole)
}

struct Merge<'a> {
    title: String,
    names: Vec<PathBuf>,
    /// What they hold together, for `cp`.
    whole: &'a Path,
    faster: f64,
    cp: Option<f64>,
}

impl Merge<'_> {
    fn contest(self, bench: &mut Bench, programs: &Programs) -> Result<()> {
        let output = bench.work().join("merged.pcap");
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
        let whole = vec![self.whole.to_owned()];
        let theirs = command(
            &programs.mergecap,
            &["-F", "pcap", "-w"],
            self.names.clone(),
        );
        let contestants = [
            Contestant::new("mergecap -F pcap", theirs).before(gone(&output)),
            Contestant::new(
                "pcaps merge",
                command(&programs.pcaps, &["merge", "-o"], self.names),
            )
            .before(gone(&output)),
            Contestant::new("cp of the whole", command(Path::new("cp"), &[], whole))
                .before(gone(&output)),
        ];
        let figures = bench.contest(&self.title, &contestants)?;
        gone(&output)()?;
        let [mergecap, ours, cp] = figures[..] else {
            return Ok(());
        };
        bench.goal(
            "times as fast as mergecap",
            ratio(mergecap.wall, ours.wall),
            Goal::AtLeast(self.faster),
        )?;
        if let Some(most) = self.cp {
            bench.goal(
                "wall time to cp's",
                ratio(ours.wall, cp.wall),
                Goal::AtMost(most),
            )?;
        }
        bench.goal("memory, MiB", mebibytes(ours.peak), Goal::AtMost(64.0))
    }
}

/// Each writes to a new file: what the one before left is taken away first.
fn gone(output: &Path) -> impl Fn() -> Result<()> + use<> {
    let output = output.to_owned();
    move || {
        if output.exists() {
            fs::remove_file(&output)?;
        }
        Ok(())
    }
}

fn reading(bench: &mut Bench, programs: &Programs, what: &str, file: &Path) -> Result<()> {
    let tcpdump = tcpdump(programs, file, &["-w", "/dev/null"]);
    // What it takes to have the bytes, and to do nothing with them: of large packets that is most.
    let mut input = OsString::from("if=");
    input.push(file);
    let dd = move || {
        let mut command = Command::new("dd");
        command.args(["of=/dev/null", "bs=128k"]).arg(&input);
        command.stderr(Stdio::null());
        command
    };
    let contestants = [
        Contestant::new("tcpdump -w /dev/null", tcpdump),
        Contestant::new("pcaps_file::Reader", command(&programs.read, &[], file)),
        Contestant::new("dd of=/dev/null bs=128k", dd),
    ];
    let figures = bench.contest(&format!("reading {what}"), &contestants)?;
    bench.goal(
        "times as fast as tcpdump",
        ratio(figures[0].wall, figures[1].wall),
        Goal::AtLeast(3.0),
    )
}

fn filtering(bench: &mut Bench, programs: &Programs, what: &str, file: &Path) -> Result<()> {
    let output = bench.work().join("filtered.pcap");
    let path = output.to_string_lossy().into_owned();
    let tcpdump = tcpdump(programs, file, &["-w", &path, EXPRESSION]);
    let (program, file) = (programs.pcaps.clone(), file.to_owned());
    let ours = move || {
        let mut command = Command::new(&program);
        command.args(["filter", EXPRESSION]).arg(&file);
        command.args(["-o", &path]).stderr(Stdio::null());
        command
    };
    let contestants = [
        Contestant::new("tcpdump", tcpdump).before(gone(&output)),
        Contestant::new("pcaps filter", ours).before(gone(&output)),
    ];
    let figures = bench.contest(&format!("filtering {what}"), &contestants)?;
    gone(&output)()?;
    bench.goal(
        "times as fast as tcpdump",
        ratio(figures[0].wall, figures[1].wall),
        Goal::AtLeast(2.0),
    )
}

fn summing(bench: &mut Bench, programs: &Programs, what: &str, file: &Path) -> Result<()> {
    let all_but_the_hash = ["-c", "-a", "-e", "-u", "-y", "-x"];
    let capinfos = command(&programs.capinfos, &all_but_the_hash, file);
    let contestants = [
        Contestant::new("capinfos -c -a -e -u -y -x", capinfos),
        Contestant::new("pcaps stats", command(&programs.pcaps, &["stats"], file)),
    ];
    let figures = bench.contest(&format!("summing up {what}"), &contestants)?;
    bench.goal(
        "times as fast as capinfos",
        ratio(figures[0].wall, figures[1].wall),
        Goal::AtLeast(3.0),
    )?;
    bench.goal(
        "memory, MiB",
        mebibytes(figures[1].peak),
        Goal::AtMost(64.0),
    )
}

fn dissecting(bench: &mut Bench, programs: &Programs, what: &str, file: &Path) -> Result<()> {
    let tshark = command(&programs.tshark, &["-q", "-z", "io,phs", "-r"], file);
    let contestants = [
        Contestant::new("tshark -q -z io,phs", tshark),
        Contestant::new("pcaps stats", command(&programs.pcaps, &["stats"], file)),
    ];
    // One round: of ten million packets in many flows tshark takes more than a minute, and seven gigabytes.
    let figures = bench.contest_of(1, &format!("dissecting {what}"), &contestants)?;
    bench.goal(
        "times as fast as tshark",
        ratio(figures[0].wall, figures[1].wall),
        Goal::AtLeast(100.0),
    )
}

fn command(program: &Path, arguments: &[&str], file: &Path) -> impl Fn() -> Command + use<> {
    let (program, file) = (program.to_owned(), file.to_owned());
    let arguments: Vec<String> = arguments.iter().map(|&it| it.to_owned()).collect();
    move || {
        let mut command = Command::new(&program);
        command.args(&arguments).arg(&file);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

fn tcpdump(programs: &Programs, file: &Path, arguments: &[&str]) -> impl Fn() -> Command + use<> {
    let (program, file) = (programs.tcpdump.clone(), file.to_owned());
    let arguments: Vec<String> = arguments.iter().map(|&it| it.to_owned()).collect();
    move || {
        let mut command = Command::new(&program);
        command.arg("-r").arg(&file).args(&arguments);
        command.stderr(Stdio::null());
        command
    }
}
