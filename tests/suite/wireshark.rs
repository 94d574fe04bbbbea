//! Wireshark's conversation with the program, its link to it, and `--open`. The same with Wireshark's own programs is in
//! `tests/wireshark/run`.

use std::{
    fs::{self, File},
    io::Read as _,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use pcaps_file::Reader;
use pcaps_sim::Simulator;

use crate::{
    collect::programs::Far,
    support::{Run, filtered, nobody, pcaps, pcaps_at, pcaps_of, root, run},
};

const CAPTURE: [&str; 3] = ["--capture", "--extcap-interface", "pcaps"];
/// How often, and how long between, it is looked whether something in another process is so.
const LOOKS: u32 = 2_000;
const LOOK: Duration = Duration::from_millis(10);

fn until(mut is_so: impl FnMut() -> bool) {
    for _ in 0..LOOKS {
        if is_so() {
            return;
        }
        thread::sleep(LOOK);
    }
    panic!("it does not come");
}

/// A pipe, as Wireshark makes one.
fn pipe(folder: &Path) -> PathBuf {
    let path = folder.join("fifo");
    let made = Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    path
}

/// What comes through the pipe, and what is said, when nothing is stopped.
fn captured(command: &mut Command, arguments: &[&str]) -> (Vec<u8>, Run) {
    let folder = tempfile::tempdir().unwrap();
    let fifo = pipe(folder.path());
    let child = command
        .args(CAPTURE)
        .arg("--fifo")
        .arg(&fifo)
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stream = fs::read(&fifo).unwrap();
    (stream, child.wait_with_output().unwrap().into())
}

fn packets(stream: &[u8]) -> u64 {
    let mut reader = Reader::new(stream, "the pipe").unwrap();
    let mut count = 0;
    while reader.next_packet().unwrap().is_some() {
        count += 1;
    }
    count
}

#[test]
fn discovery_knows_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    let asked = |arguments: &[&str]| {
        let mut command = pcaps();
        run(command.env("PCAPS_CONFIG", &config).args(arguments)).ok()
    };
    let interfaces = asked(&["--extcap-interfaces", "--extcap-version=4.0"]);
    let types = asked(&["--extcap-dlts", "--extcap-interface", "pcaps"]);
    let options = ["--extcap-config", "--extcap-interface", "pcaps"];
    let dialog = asked(&options);
    let all = [&interfaces, &types, &dialog].map(|it| it.stdout.as_str());
    let version = env!("CARGO_PKG_VERSION");
    let text = all.concat().replace(version, "[VERSION]");
    filtered(|| insta::assert_snapshot!("discovery", text));
    let all = [interfaces, types];
    assert!(all.iter().all(|it| it.stderr.is_empty()));

    // In another order, as other versions ask.
    let order = ["--extcap-interface", "pcaps", "--extcap-config"];
    assert_eq!(asked(&order).stdout, dialog.stdout);
    fs::write(&config, "this is no configuration").unwrap();
    let broken = asked(&options);
    assert_eq!(
        (broken.stdout, broken.stderr),
        (dialog.stdout, String::new())
    );
    fs::write(&config, "[profile.edge]\n[profile.lab]\n").unwrap();
    let reload = ["--extcap-reload-option", "profile", "--packets", "x"];
    let reloaded = asked(&[&options[..], &reload].concat()).stdout;
    filtered(|| insta::assert_snapshot!("reloaded_profiles", reloaded));
    // No text ends a value early.
    for line in text.lines() {
        assert_eq!(line.matches('{').count(), line.matches('}').count());
    }
}

#[test]
fn a_filter_is_judged_while_it_is_typed() {
    let judge = |filter| {
        let arguments = ["--extcap-capture-filter", filter, "--extcap-interface"];
        run(pcaps().args(arguments).arg("pcaps")).ok().stdout
    };
    assert_eq!(judge("udp and dst port 53"), "");
    assert_eq!(judge(""), "");
    let why = judge("udp or tcp");
    assert!(why.contains("the service knows no `or`"), "{why}");
    assert_eq!(why.lines().count(), 1);
}

#[test]
fn what_is_no_question_of_wireshark_is_for_the_command_line() {
    let words = ["capture", "--extcap-interface", "-o", "x"];
    assert!(run(pcaps().args(words)).stderr.contains("Usage"));
    for words in [
        &["--extcap-dlts"][..],
        &["--extcap-interface", "pcaps"],
        &["--extcap-dlts", "--extcap-interface", "eth0"],
        &["--extcap-interfaces", "--extcap-colour"],
        &CAPTURE,
    ] {
        let run = run(pcaps().args(words));
        assert_eq!(run.code, Some(2), "{}", run.text());
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    }
}

#[tokio::test]
async fn what_stands_in_the_way_is_told_and_the_capture_is_empty() {
    let (_socket, url) = nobody();
    let full = ["--kind", "full"];
    let r2 = "r2://b?account-id=a&access-key-id=k&secret-access-key=hunter2";
    for (name, arguments) in [
        ("filter", &["--filter", "udp or tcp"][..]),
        ("capture_filter", &["--extcap-capture-filter", "port 53"]),
        ("time_limit", &["--time-limit", "5 parsecs"]),
        ("long_time_limit", &["--time-limit", "1h"]),
        ("packets", &["--packets", "-1"]),
        ("nobody_there", &["--retries", "0"]),
        ("colo", &full),
        ("bucket", &["--kind", "full", "--colo", "ORD"]),
        ("keys", &["--kind", "full", "--colo", "ORD", "--bucket", r2]),
        (
            "no_bucket",
            &["--kind", "full", "--colo", "ORD", "--bucket", "-"],
        ),
    ] {
        let (stream, run) = captured(&mut pcaps_at(&url), arguments);
        assert_eq!(stream.len(), 28, "{name}: a header, and nothing else");
        assert!(!run.text().contains("hunter2"));
        filtered(|| insta::assert_snapshot!(format!("failed_{name}"), run.text()));
    }
    // What the dialog has no such value for: without a pipe that is opened, Wireshark would wait for ever.
    let (stream, run) = captured(&mut pcaps_at(&url), &["--kind", "sampels"]);
    assert_eq!((stream.len(), run.code), (28, Some(2)), "{}", run.text());
    assert!(run.stderr.contains("sampels"), "{}", run.stderr);
    let (stream, run) = captured(&mut pcaps(), &[]);
    assert_eq!((stream.len(), run.code), (28, Some(3)), "{}", run.text());
    assert!(run.stderr.contains("pcaps auth login"), "{}", run.stderr);
    // Without a pipe, or with a file in its place.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "mine").unwrap();
    let refused = pcaps().args(CAPTURE).arg("--fifo").arg(&file).output();
    assert_eq!(Run::from(refused.unwrap()).code, Some(1));
    assert_eq!(fs::read(&file).unwrap(), b"mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_goes_through_the_pipe() {
    let simulator = Simulator::builder().unlimited(true).start().await.unwrap();
    let limits = ["--packets", "30", "--time-limit", "1m"];
    let (stream, run) = captured(&mut pcaps_of(&simulator), &limits);
    assert_eq!((packets(&stream), run.ok().stderr.as_str()), (30, ""));
    let both = ["--filter", "udp", "--extcap-capture-filter", "dst port 53"];
    let (stream, _) = captured(&mut pcaps_of(&simulator), &both);
    assert!(packets(&stream) > 0);
    let requests = simulator.requests();
    let last = requests.iter().rfind(|it| it.method == "POST").unwrap();
    let body: serde_json::Value = serde_json::from_slice(&last.body).unwrap();
    let filter = &body["filter_v1"];
    let expected = serde_json::json!({"protocol": 17, "destination_port": 53});
    assert_eq!(*filter, expected);
}

/// Where the files could not be reached, nothing is captured.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_without_credentials_is_not_captured_into() {
    let simulator = Simulator::builder().start().await.unwrap();
    let bucket = "r2://b/d?account-id=acc";
    let full = ["--kind", "full", "--colo", "ORD", "--bucket", bucket];
    let (stream, run) = captured(&mut pcaps_of(&simulator), &full);
    assert_eq!(stream.len(), 28);
    assert!(run.stderr.contains("R2_ACCESS_KEY_ID"), "{}", run.stderr);
    assert!(simulator.requests().is_empty());
}

/// A full capture, begun by Wireshark.
struct Full {
    far: Far,
    child: Child,
    pipe: File,
}

impl Full {
    fn start(time_limit: &str) -> Self {
        let far = Far::start();
        let fifo = pipe(&far.path(""));
        let bucket = "gs://captures/edge";
        let mut command = far.command(&CAPTURE);
        command.arg("--fifo").arg(&fifo).args([
            "--kind",
            "full",
            "--colo",
            "ORD",
            "--bucket",
            bucket,
            "--time-limit",
            time_limit,
        ]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = child.spawn().unwrap();
        let mut pipe = File::open(fifo).unwrap();
        // The first bytes come when the capture has been started.
        let mut header = [0; 28];
        pipe.read_exact(&mut header).unwrap();
        Self { far, child, pipe }
    }

    fn capture(&self) -> serde_json::Value {
        self.far.run(&["list", "--json"]).json()[0].clone()
    }

    fn term(&self) {
        let id = self.child.id().to_string();
        let killed = Command::new("kill").args(["-TERM", &id]).status();
        assert!(killed.unwrap().success());
    }

    fn end(self) -> (Far, Run) {
        let run = self.child.wait_with_output().unwrap().into();
        (self.far, run)
    }
}

#[test]
fn a_full_capture_goes_through_the_pipe() {
    let mut full = Full::start("2s");
    let mut rest = Vec::new();
    full.pipe.read_to_end(&mut rest).unwrap();
    let captured = full.capture();
    let (_, run) = full.end();
    assert_eq!(run.ok().stderr, "");
    // The first bytes are those that were read already.
    let header = pcaps_file::PcapNgWriter::new(Vec::new()).unwrap();
    let stream = [header.finish().unwrap(), rest].concat();
    assert_eq!(captured["packets_captured"], packets(&stream));
    assert_eq!(captured["status"], "success");
}

#[test]
fn what_wireshark_stops_is_stopped_at_the_service() {
    let full = Full::start("1h");
    assert!(full.capture()["stop_requested"].is_null());
    full.term();
    let (far, run) = full.end();
    let captured = far.run(&["list", "--json"]).json()[0].clone();
    assert!(captured["stop_requested"].is_string(), "{captured}");
    let id = captured["id"].as_str().unwrap();
    let text = run.ok().stderr;
    let next = format!("`pcaps wait {id} --bucket-map");
    assert!(
        text.contains(&format!("{id} was stopped")) && text.contains(&next),
        "{text}"
    );
    // What it says works.
    far.run(&["wait", id]).ok();
}

#[test]
fn a_reader_that_has_gone_stops_it_too() {
    let Full { far, child, pipe } = Full::start("1h");
    drop(pipe);
    let run = Run::from(child.wait_with_output().unwrap()).ok();
    assert!(run.stderr.contains("was stopped"), "{}", run.stderr);
    let captured = far.run(&["list", "--json"]).json()[0].clone();
    assert!(captured["stop_requested"].is_string(), "{captured}");
}

#[test]
fn it_can_be_stopped_before_anybody_reads() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = pipe(folder.path());
    let mut command = pcaps();
    let child = command.args(CAPTURE).arg("--fifo").arg(&fifo);
    let mut child = child.spawn().unwrap();
    let id = child.id().to_string();
    // A signal that comes before it is heard ends it as well.
    until(|| {
        let status = fs::read_to_string(format!("/proc/{id}/status"));
        let Ok(status) = status else { return true };
        let mut lines = status.lines();
        let caught = lines.find_map(|it| it.strip_prefix("SigCgt:\t"));
        // SIGTERM is the 15th.
        caught.is_some_and(|it| u64::from_str_radix(it, 16).unwrap() & (1 << 14) != 0)
    });
    let killed = Command::new("kill").args(["-TERM", &id]).status();
    assert!(killed.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// A home of its own.
fn at_home(home: &Path, arguments: &[&str]) -> Run {
    run(pcaps().env("HOME", home).args(arguments))
}

#[test]
fn the_link_comes_once_and_goes_again() {
    let home = tempfile::tempdir().unwrap();
    let wireshark = |word: &str| at_home(home.path(), &["wireshark", word, "--json"]);
    let states = |run: Run| -> Vec<(String, bool)> {
        let links = run.json()["links"].as_array().unwrap().clone();
        let state = |it: &serde_json::Value| {
            let state = it["state"].as_str().unwrap().to_owned();
            (state, it["changed"].as_bool().unwrap())
        };
        links.iter().map(state).collect()
    };
    let both = |state: &str, changed| vec![(state.to_owned(), changed); 2];
    assert_eq!(states(wireshark("status")), both("absent", false));
    // Without tshark, which would say which is the right one.
    assert_eq!(states(wireshark("install")), both("installed", true));
    assert_eq!(states(wireshark("install")), both("installed", false));
    let older = home.path().join(".config/wireshark/extcap/pcaps");
    let newer = home.path().join(".local/lib/wireshark/extcap/pcaps");
    for link in [&older, &newer] {
        let target = fs::canonicalize(link).unwrap();
        assert_eq!(
            target,
            fs::canonicalize(env!("CARGO_BIN_EXE_pcaps-under-test")).unwrap()
        );
        // Wireshark runs what is there.
        let run = run(Command::new(link).arg("--extcap-interfaces")).ok();
        assert!(run.stdout.contains("Cloudflare Magic Transit"));
        assert_eq!(fs::read_dir(link.parent().unwrap()).unwrap().count(), 1);
    }
    // One that leads nowhere any more is replaced.
    fs::remove_file(&older).unwrap();
    symlink("/nowhere/pcaps", &older).unwrap();
    let state = states(wireshark("status"));
    assert!(state.contains(&("broken".to_owned(), false)), "{state:?}");
    assert!(states(wireshark("install")).contains(&("installed".to_owned(), true)));
    assert!(older.exists());
    assert_eq!(states(wireshark("uninstall")), both("absent", true));
    assert_eq!(states(wireshark("uninstall")), vec![]);
    assert!(!older.exists() && !newer.exists());
}

#[test]
fn what_is_not_ours_stays() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("extcap");
    fs::create_dir(&folder).unwrap();
    let file = folder.join("pcaps");
    fs::write(&file, "mine").unwrap();
    let place = ["--dir", folder.to_str().unwrap()];
    let wireshark = |word: &str| at_home(home.path(), &[&["wireshark", word], &place[..]].concat());
    for word in ["install", "uninstall"] {
        let run = wireshark(word);
        assert_eq!(run.code, Some(1), "{}", run.text());
        assert!(run.stderr.contains("it stays as it is"), "{}", run.stderr);
        assert_eq!(fs::read(&file).unwrap(), b"mine");
    }
    assert!(wireshark("status").ok().stdout.contains("is not of pcaps"));
    fs::remove_file(&file).unwrap();
    symlink("/bin/true", &file).unwrap();
    assert_eq!(wireshark("install").code, Some(1));
    assert_eq!(fs::read_link(&file).unwrap(), Path::new("/bin/true"));
}

#[test]
fn the_folder_is_the_one_that_tshark_names() {
    let home = tempfile::tempdir().unwrap();
    let there = home.path().join("there");
    let tshark = home.path().join("tshark");
    let line = format!("Personal Extcap path:\t{}", there.display());
    fs::write(&tshark, format!("#!/bin/sh\necho '{line}'\n")).unwrap();
    fs::set_permissions(&tshark, fs::Permissions::from_mode(0o755)).unwrap();
    let mut install = pcaps();
    install.env("HOME", home.path()).env("PATH", home.path());
    let run = run(install.args(["wireshark", "install"])).ok();
    let expected = format!("{}: installed\n", there.join("pcaps").display());
    assert_eq!(run.stdout, expected);
    assert!(run.stderr.starts_with("next: "), "{}", run.stderr);
}

/// A program that notes what it is asked to open.
fn viewer(folder: &Path) -> PathBuf {
    let path = folder.join("viewer");
    let notes = folder.join("opened");
    let text = format!(
        "#!/bin/sh\necho opened\necho \"$@\" > {0}.new\nmv {0}.new {0}\n",
        notes.display()
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn opened(folder: &Path) -> String {
    let notes = folder.join("opened");
    until(|| notes.exists());
    let opened = fs::read_to_string(&notes).unwrap();
    fs::remove_file(notes).unwrap();
    opened.trim_end().to_owned()
}

#[test]
fn a_capture_is_opened_once_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let viewer = viewer(folder.path());
    let viewer = viewer.to_str().unwrap();
    let whole = root().join("crates/pcaps-file/tests/data/dns.pcap");
    let bytes = fs::read(&whole).unwrap();
    fs::write(folder.path().join("torn.pcap"), &bytes[..bytes.len() - 1]).unwrap();
    let at = |arguments: &[&str]| run(pcaps().current_dir(folder.path()).args(arguments));
    let output = fs::canonicalize(folder.path()).unwrap().join("-out.pcap");
    let output = output.to_str().unwrap();
    let whole = whole.to_str().unwrap();
    let simulated = ["--simulate", "--packets", "5"];
    let full = [
        "capture",
        "full",
        "--simulate",
        // Within one second there may be no packet.
        "--time-limit",
        "3s",
        "--colo",
        "ORD",
    ];
    for (code, arguments) in [
        (0, &["merge", whole][..]),
        (8, &["merge", "torn.pcap"]),
        (0, &["filter", "udp", whole]),
        (0, &[&["capture"], &simulated[..]].concat()),
        (0, &["history", "--since", "5s", "--simulate"]),
        (0, &[&full[..], &["--bucket", "gs://captures"]].concat()),
    ] {
        let named = ["--output-file=-out.pcap", "--open", viewer];
        let run = at(&[arguments, &named].concat());
        assert_eq!(run.code, Some(code), "{}", run.text());
        // What it says is not mixed in.
        assert!(!run.text().contains("opened"), "{}", run.text());
        assert_eq!(opened(folder.path()), output, "{arguments:?}");
    }
    // By its name alone.
    fs::rename(viewer, folder.path().join("wireshark")).unwrap();
    let mut merge = pcaps();
    merge.current_dir(folder.path());
    // The script needs `mv`.
    merge.env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()));
    run(merge.args(["merge", whole, "-o", "a.pcap", "--open", "wireshark"])).ok();
    assert!(opened(folder.path()).ends_with("/a.pcap"));
}

#[tokio::test]
async fn what_cannot_be_opened_is_told_before_anything_is_asked() {
    let (_socket, url) = nobody();
    for (name, arguments) in [
        (
            "no_program",
            &["capture", "-o", "x.pcap", "--open", "nowhere"][..],
        ),
        (
            "no_wireshark",
            &["capture", "udp", "-o", "x.pcap", "--open"],
        ),
        ("stdout", &["capture", "udp", "-o", "-", "--open", "sh"]),
        ("folder", &["fetch", "abc", "--split", "x", "--open", "sh"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = pcaps_at(&url);
        let run = run(command.current_dir(folder.path()).args(arguments));
        assert_eq!(run.code, Some(2), "{}", run.text());
        filtered(|| insta::assert_snapshot!(format!("unopened_{name}"), run.stderr));
    }
}
