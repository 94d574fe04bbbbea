//! `pcaps merge`: what it says and writes, what it refuses, and that it merges as mergecap does.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use pcaps_file::{LinkType, Packet, Reader, Timestamp, Writer, WriterOptions};

use crate::support::{Run, filtered, pcaps, root, run};

/// Time in microseconds, bytes, length on the wire.
type Seen = (u64, Vec<u8>, u32);

fn read(path: &Path) -> Vec<Seen> {
    let mut reader = Reader::open(path).unwrap();
    let mut packets = Vec::new();
    while let Some(packet) = reader.next_packet().unwrap() {
        packets.push((
            packet.timestamp.as_nanos() / 1_000,
            packet.bytes.to_vec(),
            packet.original_len,
        ));
    }
    packets
}

fn write(path: &Path, packets: &[Seen]) {
    let options = WriterOptions {
        snap_len: 262_144,
        ..WriterOptions::new(LinkType::RAW)
    };
    let mut writer = Writer::new(fs::File::create(path).unwrap(), options).unwrap();
    for (micros, bytes, original_len) in packets {
        let packet = Packet {
            timestamp: Timestamp::from_nanos(micros * 1_000),
            link_type: LinkType::RAW,
            original_len: *original_len,
            bytes,
        };
        writer.write(&packet).unwrap();
    }
    writer.finish().unwrap();
}

fn dns() -> Vec<u8> {
    fs::read(root().join("crates/pcaps-file/tests/data/dns.pcap")).unwrap()
}

fn merge(folder: &Path, arguments: &[&str]) -> Run {
    run(pcaps().current_dir(folder).arg("merge").args(arguments))
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_people_and_programs_read() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let whole = dns();
    fs::write(folder.join("whole.pcap"), &whole).unwrap();
    fs::write(folder.join("torn.pcap"), &whole[..whole.len() - 1]).unwrap();
    fs::write(folder.join("empty.pcap"), "").unwrap();
    fs::write(folder.join("header.pcap"), &whole[..24]).unwrap();
    fs::write(folder.join("challenge.txt"), "hello there").unwrap();
    let packet = |micros, len: u8| (micros, vec![0x45; usize::from(len)], 100);
    write(&folder.join("odd.pcap"), &[packet(5, 20), packet(3, 21)]);

    let run = merge(folder, &["whole.pcap", "header.pcap", "-w", "all.pcap"]).ok();
    filtered(|| insta::assert_snapshot!("whole", run.text()));
    assert_eq!(read(&folder.join("all.pcap")).len(), 42);

    let all = [
        "whole.pcap",
        "torn.pcap",
        "empty.pcap",
        "challenge.txt",
        "odd.pcap",
        "./whole.pcap",
        "-o",
        "all.pcap",
    ];
    let run = merge(folder, &all);
    assert_eq!(run.code, Some(8), "{}", run.text());
    filtered(|| insta::assert_snapshot!("partial", run.text()));
    assert_eq!(read(&folder.join("all.pcap")).len(), 42 + 41 + 2);

    let run = merge(folder, &[&all[..], &["--json"]].concat());
    assert_eq!(run.code, Some(8), "{}", run.text());
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    filtered(|| insta::assert_snapshot!("partial_json", format!("{json:#}")));

    let run = merge(folder, &[&all[..], &["--lenient"]].concat()).ok();
    assert!(run.stderr.contains("at byte 5764"), "{}", run.text());

    let run = merge(
        folder,
        &[
            "whole.pcap",
            "torn.pcap",
            "--dedup",
            "--lenient",
            "-o",
            "all.pcap",
        ],
    )
    .ok();
    assert!(run.stdout.contains("41, left out"), "{}", run.text());
    assert_eq!(read(&folder.join("all.pcap")).len(), 42);

    fs::copy(folder.join("whole.pcap"), folder.join("copy.pcap")).unwrap();
    let annotated = root().join("crates/pcaps-file/tests/data/sections-be.pcapng");
    fs::copy(annotated, folder.join("annotated.pcapng")).unwrap();
    let all = [
        "whole.pcap",
        "copy.pcap",
        "annotated.pcapng",
        "-o",
        "all.pcap",
    ];
    let run = merge(folder, &all).ok();
    filtered(|| insta::assert_snapshot!("copy", run.text()));
    let run = merge(folder, &[&all[..], &["--dedup"]].concat()).ok();
    assert!(!run.stderr.contains("copy"), "{}", run.text());
    // Nothing else is left in the folder.
    assert_eq!(files(folder).len(), 9, "{:?}", files(folder));
}

#[test]
fn through_standard_input_and_output() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("in.pcap"), dns()).unwrap();
    let input = fs::File::open(folder.join("in.pcap")).unwrap();
    let output = fs::File::create(folder.join("out.pcap")).unwrap();
    let status = pcaps()
        .current_dir(folder)
        .args(["merge", "-", "in.pcap", "-o", "-"])
        .stdin(input)
        .stdout(output)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    assert_eq!(read(&folder.join("out.pcap")).len(), 84);
}

#[test]
fn what_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("in.pcap"), dns()).unwrap();
    fs::write(folder.join("empty.pcap"), "").unwrap();
    for (name, arguments, code) in [
        ("output_is_input", &["in.pcap", "-o", "./in.pcap"][..], 2),
        (
            "missing_input",
            &["in.pcap", "missing.pcap", "-o", "out.pcap"],
            1,
        ),
        ("nothing_to_merge", &["empty.pcap", "-o", "out.pcap"], 1),
        ("unwritable", &["in.pcap", "-o", "missing/out.pcap"], 1),
        ("json_and_stdout", &["in.pcap", "-o", "-", "--json"], 2),
        ("stdin_twice", &["-", "-", "-o", "out.pcap"], 2),
        (
            "odd_window",
            &["in.pcap", "--dedup=soon", "-o", "out.pcap"],
            2,
        ),
    ] {
        let run = merge(folder, arguments);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(code), ""),
            "{name}: {}",
            run.text()
        );
        filtered(|| insta::assert_snapshot!(name, run.stderr));
    }
    assert_eq!(files(folder), ["empty.pcap", "in.pcap"]);
    assert_eq!(fs::read(folder.join("in.pcap")).unwrap(), dns());
}

/// By a link too: what is linked to is one of the inputs.
#[cfg(unix)]
#[test]
fn an_output_that_is_an_input_by_another_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("in.pcap"), dns()).unwrap();
    fs::hard_link(folder.join("in.pcap"), folder.join("hard.pcap")).unwrap();
    std::os::unix::fs::symlink("in.pcap", folder.join("soft.pcap")).unwrap();
    for name in ["hard.pcap", "soft.pcap"] {
        let run = merge(folder, &["in.pcap", "-o", name]);
        assert_eq!(run.code, Some(2), "{}", run.text());
    }
}

/// More files than the process may have open.
#[cfg(unix)]
#[test]
fn five_thousand_files_with_256_descriptors() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut expected = Vec::new();
    for file in 0..5_000_u64 {
        let packets: Vec<Seen> = (0..4)
            .map(|at| {
                (
                    at * 5_000 + file * 7 % 5_000,
                    file.to_le_bytes().to_vec(),
                    60,
                )
            })
            .collect();
        write(&folder.join(format!("{file:04}.pcap")), &packets);
        expected.extend(packets);
    }
    expected.sort_by_key(|it| it.0);
    let program = pcaps();
    let status = Command::new("sh")
        .current_dir(folder)
        .args([
            "-c",
            "ulimit -n 256; exec \"$0\" merge ????.pcap -o all.pcap",
        ])
        .arg(program.get_program())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    assert!(read(&folder.join("all.pcap")) == expected);
}

/// Ctrl-C in the middle: exit code 130, and nothing is left.
#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut child = pcaps()
        .current_dir(folder)
        .args(["merge", "-", "-o", "out.pcap"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Its input never ends, and it has begun when the temporary file is there.
    while files(folder).is_empty() {
        assert!(child.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    let status = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
    // Its input must not end before it has.
    let input = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    drop(input);
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert_eq!(files(folder), [""; 0]);
}

/// A small generator of numbers, the same on every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// 200 sets of files, of mixed sizes, with gaps and equal times: the same packets at the same times as by mergecap.
/// Where several have one time, mergecap puts the last file's first, and so they are compared as sets.
#[test]
fn as_mergecap_does() {
    let Some(mergecap) = mergecap() else {
        eprintln!(
            "SKIPPED: mergecap is not installed, so merges are not compared with its: apt-get install tshark"
        );
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut numbers = Numbers(7);
    let (mut all, mut equal) = (0, 0);
    for set in 0..200 {
        let count = 1 + numbers.below(12);
        let mut names = Vec::new();
        for file in 0..count {
            let mut time = 1_700_000_000_000_000 + numbers.below(2_000);
            let packets: Vec<Seen> = (0..numbers.below(120))
                .map(|_| {
                    time += match numbers.below(10) {
                        0..3 => 0,
                        3 => 3_000_000,
                        _ => numbers.below(40),
                    };
                    let len = [0, 1, 60, 160, 1_500][usize::try_from(numbers.below(5)).unwrap()];
                    let byte = u8::try_from(numbers.below(250)).unwrap();
                    (time, vec![byte; len], u32::try_from(len).unwrap() + 4)
                })
                .collect();
            let name = format!("{set}-{file}.pcap");
            write(&folder.join(&name), &packets);
            names.push(name);
        }
        let theirs = Command::new(&mergecap)
            .current_dir(folder)
            .args(["-F", "pcap", "-w", "theirs.pcap"])
            .args(&names)
            .status()
            .unwrap();
        assert!(theirs.success());
        let arguments: Vec<&str> = names
            .iter()
            .map(String::as_str)
            .chain(["-o", "ours.pcap"])
            .collect();
        merge(folder, &arguments).ok();
        let (ours, theirs) = (
            read(&folder.join("ours.pcap")),
            read(&folder.join("theirs.pcap")),
        );
        let times = |it: &[Seen]| it.iter().map(|it| it.0).collect::<Vec<_>>();
        assert_eq!(times(&ours), times(&theirs), "set {set}");
        let sorted = |mut it: Vec<Seen>| {
            it.sort();
            it
        };
        all += ours.len();
        equal += ours.windows(2).filter(|it| it[0].0 == it[1].0).count();
        assert!(sorted(ours) == sorted(theirs), "set {set}");
    }
    assert!(
        all > 50_000 && equal > 5_000,
        "{all} packets, {equal} at the time of another"
    );
}

fn mergecap() -> Option<PathBuf> {
    let places = std::env::var_os("PATH")?;
    let mut programs = std::env::split_paths(&places).map(|it| it.join("mergecap"));
    programs.find(|it| it.is_file())
}
