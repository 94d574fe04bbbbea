//! All nine operations, through the command line, against the simulator, on a real socket. Its clock is moved by the
//! test, so that nothing sleeps.

use std::{fs, path::Path, process::Command, time::Duration};

use jiff::Timestamp;
use pcaps_file::{Reader, Summary};
use pcaps_sim::{Buckets, Simulator};
use serde_json::Value;

use crate::support::{Run, pcaps, pcaps_of, run};

struct Service {
    simulator: Simulator,
    folder: tempfile::TempDir,
}

impl Service {
    /// A simulator whose buckets are folders, so that the test finds in them what a user would.
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Not now: made-up traffic depends on the time, and what a test finds in it must not.
        let start: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let simulator = Simulator::builder()
            .buckets(Buckets::folder(folder.path().join("buckets")).unwrap())
            .clock(move || start)
            .start()
            .await
            .unwrap();
        Self { simulator, folder }
    }

    async fn advance(&self, seconds: u64) {
        let by = Duration::from_secs(seconds);
        self.simulator.advance(by).await.unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = pcaps_of(&self.simulator);
        command.current_dir(self.folder.path()).args(arguments);
        command
    }

    /// Runs the program; whatever it prints, the token is not in it.
    fn run(&self, arguments: &[&str]) -> Run {
        let run = run(&mut self.command(arguments));
        assert!(
            !run.text().contains(self.simulator.token().expose()),
            "{}",
            run.text()
        );
        run
    }

    fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["--json"]].concat()).json()
    }

    fn files(&self) -> Vec<String> {
        let mut files: Vec<_> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "buckets")
            .collect();
        files.sort();
        files
    }
}

/// Every file below a folder whose name ends so.
fn below(folder: &Path, ending: &str) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(below(&path, ending));
        } else if path.to_str().unwrap().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn summary(path: &Path) -> Summary {
    Summary::read(&mut Reader::open(path).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_from_start_to_file() {
    let service = Service::start().await;
    // Not what goes to that port: whenever this runs, it may be the flood, whose packets are short.
    let started = service.json(&[
        "start",
        "sample",
        "tcp and src port 443",
        "--time-limit",
        "60s",
        "--packets",
        "50",
    ]);
    assert_eq!(started["type"], "simple");
    assert_eq!(
        started["filter_v1"],
        serde_json::json!({ "protocol": 6, "source_port": 443 })
    );
    let id = started["id"].as_str().unwrap();
    assert_eq!(id.len(), 32);

    assert_eq!(service.json(&["wait", id])["status"], "success");
    assert_eq!(service.json(&["show", id])["id"], id);
    assert_eq!(service.json(&["list"])[0]["id"], id);

    service.run(&["download", id, "-o", "https.pcap"]).ok();
    let path = service.folder.path().join("https.pcap");
    let summary = summary(&path);
    assert_eq!(summary.packets(), 50);
    assert_eq!(summary.largest_captured(), 160);
    let stats = service.json(&["stats", "https.pcap"]);
    assert_eq!(stats["total"]["packets"], 50);
    assert_eq!(stats["total"]["protocols"][0]["name"], "TCP");
    service.simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_capture_from_bucket_to_files() {
    const BUCKET: &str =
        "r2://captures/edge?account-id=1f&access-key-id=AKEXAMPLE&secret-access-key=SKEXAMPLE";
    const PLAIN: &str = "r2://captures/edge?account-id=1f";
    let service = Service::start().await;
    let full = [
        "start",
        "full",
        "udp",
        "--colo",
        "ORD",
        "--bucket",
        PLAIN,
        "--time-limit",
        "10m",
    ];

    // Not before the bucket is proven to be ours.
    let early = service.run(&full);
    assert_eq!(
        (early.code, early.stdout.as_str()),
        (Some(1), ""),
        "{}",
        early.text()
    );
    let added = service.run(&["bucket", "add", BUCKET, "--json"]);
    assert!(!added.text().contains("EXAMPLE"), "{}", added.text());
    let added = added.json();
    let challenges = below(service.folder.path(), added["filename"].as_str().unwrap());
    assert_eq!(challenges.len(), 1, "{added}");
    let challenge = fs::read_to_string(&challenges[0]).unwrap();

    let wrong = service.run(&["bucket", "validate", PLAIN, "--challenge", "not-it"]);
    assert_eq!(wrong.code, Some(1), "{}", wrong.text());
    let validated = service.run(&["bucket", "validate", PLAIN, "--challenge", &challenge]);
    assert!(
        !validated.text().contains(&challenge) && !validated.text().contains("EXAMPLE"),
        "{}",
        validated.text()
    );
    validated.ok();
    let buckets = service.run(&["bucket", "list", "--json"]);
    assert!(!buckets.text().contains("EXAMPLE"), "{}", buckets.text());
    assert_eq!(buckets.json()[0]["status"], "success");

    let started = service.json(&full);
    let id = started["id"].as_str().unwrap();
    let second = service.run(&full);
    assert_eq!(second.code, Some(1), "one at a time: {}", second.text());
    service.advance(30).await;
    assert_eq!(service.json(&["show", id])["status"], "running");
    let refused = service.run(&["download", id, "-o", "full.pcap"]);
    assert!(
        refused.code == Some(1) && refused.stderr.contains("bucket"),
        "{}",
        refused.text()
    );
    assert!(service.files().is_empty(), "{:?}", service.files());

    service.run(&["stop", id]).ok();
    service.advance(60).await;
    let done = service.json(&["wait", id]);
    assert_eq!(done["status"], "success");
    assert_ne!(done["stop_requested"], "");
    let files = below(service.folder.path(), ".pcap");
    assert!(files.len() > 1, "one for each server: {files:?}");
    let packets: u64 = files.iter().map(|file| summary(file).packets()).sum();
    assert_eq!(done["packets_captured"], packets);
    assert!(packets > 0);

    let bucket = added["id"].as_str().unwrap();
    service.run(&["bucket", "remove", bucket, "--yes"]).ok();
    assert_eq!(service.json(&["bucket", "list"]), serde_json::json!([]));
    let again = service.run(&["bucket", "remove", bucket, "--yes"]);
    assert_eq!(again.code, Some(4));
    service.simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_command_saves_a_sample_and_says_what_it_holds() {
    let service = Service::start().await;
    let run = service
        .run(&[
            "capture", "udp", "and", "dst", "port", "53", "-o", "dns.pcap",
        ])
        .ok();
    assert!(
        run.stdout.contains("dns.pcap") && run.stdout.contains("UDP"),
        "{}",
        run.text()
    );
    assert!(
        run.stderr.contains("success"),
        "progress goes to standard error: {}",
        run.text()
    );
    for _ in 0..2 {
        // One sample a minute.
        service.advance(60).await;
        let again = service.json(&["capture", "udp", "-o", "dns.pcap"]);
        assert_eq!(again["file"]["path"], "dns.pcap", "as it was given");
    }
    service.advance(60).await;
    let json = service.json(&["capture", "sample", "tcp", "-o", "tcp.pcap"]);
    assert_eq!(json["capture"]["status"], "success");
    assert_eq!(
        json["summary"]["packets"],
        summary(&service.folder.path().join("tcp.pcap")).packets()
    );
    assert_eq!(service.files(), ["dns.pcap", "tcp.pcap"]);
    service.simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_can_go_to_standard_output() {
    let service = Service::start().await;
    let output = service
        .command(&["capture", "icmp", "-o", "-"])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let summary =
        Summary::read(&mut Reader::new(output.stdout.as_slice(), "standard output").unwrap())
            .unwrap();
    assert!(summary.packets() > 0);
    assert!(service.files().is_empty());
    service.simulator.shutdown().await;
}

#[test]
fn the_embedded_simulator_needs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(pcaps().current_dir(folder.path()).args([
        "capture",
        "--simulate",
        "-o",
        "sample.pcap",
    ]))
    .ok();
    let summary = summary(&folder.path().join("sample.pcap"));
    assert!(summary.packets() > 1000, "{}", run.text());
    assert!(
        run.stdout.contains("TCP") && run.stdout.contains("UDP"),
        "{}",
        run.text()
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_written_through_and_a_dangling_one_is_not_replaced() {
    let service = Service::start().await;
    let at = |name: &str| service.folder.path().join(name);
    fs::write(at("real.pcap"), "old").unwrap();
    std::os::unix::fs::symlink("real.pcap", at("link.pcap")).unwrap();
    std::os::unix::fs::symlink("nothing", at("dangling.pcap")).unwrap();
    service.run(&["capture", "-o", "link.pcap"]).ok();
    assert!(at("link.pcap").is_symlink());
    assert!(summary(&at("real.pcap")).packets() > 0);
    let long = format!("{}.pcap", "x".repeat(300));
    for name in ["dangling.pcap", long.as_str()] {
        let run = service.run(&["capture", "-o", name]);
        assert_eq!(run.code, Some(1), "{}", run.text());
        assert!(!run.stderr.contains("started capture"), "{}", run.text());
    }
    assert!(at("dangling.pcap").is_symlink());
    service.simulator.shutdown().await;
}
