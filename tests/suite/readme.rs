//! The README's tour, line by line: what it says that can be typed does what it says, here against the simulator.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicI64, Ordering},
};

use jiff::{SignedDuration, Timestamp};
use pcaps_sim::{Buckets, Simulator};

use crate::support::{Run, TOKEN, pcaps, root};

/// Commands of cargo that another step runs, by the very line: tests, `.ci/run`, and the one that installs.
const OF_CARGO: [&str; 2] = [
    "cargo test --workspace",
    "cargo install --path crates/pcaps-cli",
];

/// Begins what cargo would build and run.
const RUN: &str = "cargo run --release -- ";

/// The blocks of the README in this language.
fn blocks(readme: &str, language: &str) -> Vec<String> {
    let begin = format!("```{language}\n");
    let blocks = readme.split(&begin).skip(1);
    blocks
        .map(|it| it.split("```").next().unwrap().to_owned())
        .collect()
}

/// A person's machine: a home, a folder to work in, and `pcaps` where programs are.
struct Person<'a> {
    folder: tempfile::TempDir,
    simulator: &'a Simulator,
}

impl<'a> Person<'a> {
    fn new(simulator: &'a Simulator, buckets: &Path, config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["bin", "home/.config/pcaps", "work"] {
            fs::create_dir_all(path(name)).unwrap();
        }
        fs::write(path("home/.config/pcaps/config.toml"), config).unwrap();
        // The program, which finds the bucket on this machine.
        let script = format!(
            "#!/bin/sh\nexec '{}' \"$@\" --bucket-map 's3://captures={}'\n",
            pcaps().get_program().display(),
            buckets.join("s3/captures").display(),
        );
        fs::create_dir_all(buckets.join("s3/captures")).unwrap();
        let program = path("bin/pcaps");
        fs::write(&program, script).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&program, mode).unwrap();
        Self { folder, simulator }
    }

    /// Types a line. What is asked on standard input is the token.
    fn types(&self, line: &str) -> Run {
        let mut shell = Command::new("bash");
        shell
            .env_clear()
            .env("HOME", self.folder.path().join("home"))
            .env(
                "PATH",
                format!("{}:/usr/bin:/bin", self.folder.path().join("bin").display()),
            )
            .env("CLOUDFLARE_BASE_URL", self.simulator.base_url())
            .env("CLOUDFLARE_ACCOUNT_ID", self.simulator.account_id())
            .current_dir(self.folder.path().join("work"))
            .args(["-c", line])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = shell.spawn().unwrap();
        // Who does not read it has ended.
        let _ = child.stdin.take().unwrap().write_all(TOKEN.as_bytes());
        child.wait_with_output().unwrap().into()
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_tour_works() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let buckets = tempfile::tempdir().unwrap();
    // Whenever somebody looks, an hour and more has passed: full captures have finished.
    let (begin, looks) = (Timestamp::now(), AtomicI64::new(0));
    let clock =
        move || begin + SignedDuration::from_secs(3_700 * looks.fetch_add(1, Ordering::Relaxed));
    let simulator = Simulator::builder()
        .token(TOKEN)
        .unlimited(true)
        .clock(clock)
        .buckets(Buckets::folder(buckets.path()).unwrap());
    let simulator = simulator.start().await.unwrap();
    let config = blocks(&readme, "toml").concat();
    let person = Person::new(&simulator, buckets.path(), &config);
    let mut ran = 0;
    for line in blocks(&readme, "sh").concat().lines() {
        let line = line.trim();
        if line.is_empty() || OF_CARGO.contains(&line) {
            continue;
        }
        let line = line.replacen(RUN, "pcaps ", 1);
        assert!(
            line.contains("pcaps "),
            "nobody knows how to run this here: {line}"
        );
        let run = person.types(&line);
        assert_eq!(run.code, Some(0), "{line}\n{}", run.text());
        assert!(!run.text().contains(TOKEN), "{line}\n{}", run.text());
        ran += 1;
    }
    assert!(ran > 8, "{ran}");
    // What it says that comes of it.
    for name in ["sample.pcap", "dns.pcap", "edge.pcap"] {
        let stats = person.types(&format!("pcaps stats {name} --json"));
        assert!(stats.json()["total"]["packets"].is_u64(), "{name}");
    }
    for name in ["sample.pcap", "dns.pcap"] {
        let stats = person.types(&format!("pcaps stats {name} --json")).json();
        assert!(stats["total"]["packets"].as_u64() > Some(0), "{name}");
    }
}

/// What is shown of the simulator is what it prints.
#[cfg(unix)]
#[test]
fn the_simulator_prints_what_is_shown() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let blocks = blocks(&readme, "console");
    let mut lines = blocks.iter().flat_map(|it| it.lines());
    let command = lines.next().unwrap();
    let arguments = command.strip_prefix("$ pcaps ").unwrap();
    // That port may be taken here.
    let (shown, any) = ("127.0.0.1:8080", "127.0.0.1:0");
    assert!(arguments.contains(shown));
    let mut program = pcaps();
    program.args(arguments.replace(shown, any).split(' '));
    let mut child = program
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut printed =
        std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    for line in lines {
        let found = printed.next().unwrap().unwrap();
        let name = |line: &str| line.split('=').next().unwrap().to_owned();
        assert_eq!(name(&found), name(line));
        if !line.ends_with('…') {
            let port = found
                .split(':')
                .next_back()
                .unwrap()
                .split('/')
                .next()
                .unwrap()
                .to_owned();
            assert_eq!(found.replace(&format!(":{port}/"), ":8080/"), line);
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
