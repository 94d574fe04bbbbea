//! `--dry-run`: what would be sent, beside what is sent.

use std::fs;

use serde_json::Value;

use crate::support::{ACCOUNT, Canned, ID, TOKEN, filtered, nobody, pcaps, pcaps_at, run};

const BUCKET: &str = "s3://captures/edge?region=eu-west-1";
const KEYS: &str =
    "r2://captures/edge?account-id=1f&access-key-id=AKEXAMPLE&secret-access-key=SKEXAMPLE";

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_sent_is_shown_and_nothing_is_sent() {
    let canned = Canned::default();
    let url = canned.start().await;
    let (_socket, silent) = nobody();
    let (sample, full) = (
        "start_capture.simple.response",
        "start_capture.full.response",
    );
    for (name, example, arguments, masked) in [
        (
            "start_sample",
            sample,
            &["start", "sample", "udp and dst port 53", "--packets=5"][..],
            "",
        ),
        (
            "start_full",
            full,
            &[
                "start",
                "full",
                "tcp",
                "--colo=ORD",
                "--bucket",
                KEYS,
                "--bytes",
                "5MB",
            ],
            "",
        ),
        ("stop", "", &["stop", ID], ""),
        (
            "bucket_add",
            "register_bucket.response",
            &["bucket", "add", KEYS],
            "destination_conf",
        ),
        (
            "bucket_validate",
            "validate_bucket.response",
            &["bucket", "validate", BUCKET, "--challenge", "hunter2"],
            "ownership_challenge",
        ),
        ("bucket_remove", "", &["bucket", "remove", ID], ""),
    ] {
        let dry = run(pcaps_at(&silent).args(arguments).arg("--dry-run")).ok();
        filtered(|| insta::assert_snapshot!(name, dry.text()));
        let json = run(pcaps_at(&silent)
            .args(arguments)
            .args(["--dry-run", "--json"]));
        let shown = [dry.text(), json.text()].concat();
        assert!(
            !shown.contains("EXAMPLE") && !shown.contains("hunter2") && !shown.contains(TOKEN),
            "{shown}"
        );
        let json = json.json();
        let planned = &json["requests"][0];
        match example {
            "" => canned.then(204, "", ""),
            example => canned.then_example(example),
        };
        let yes: &[&str] = if name == "bucket_remove" {
            &["--yes"]
        } else {
            &[]
        };
        run(pcaps_at(&url).args(arguments).args(yes)).ok();
        let sent = canned.requests().concat();
        let path = planned["url"]
            .as_str()
            .unwrap()
            .split_once("/client/")
            .unwrap()
            .1;
        let line = format!("{} /client/{path}\n", planned["method"].as_str().unwrap());
        assert!(sent.starts_with(&line), "{line}{sent}");
        let body = sent.split_once("\n\n").map(|(_, body)| body);
        let mut body: Value = body.map_or(Value::Null, |it| serde_json::from_str(it).unwrap());
        if !masked.is_empty() {
            assert!(
                planned["body"][masked]
                    .as_str()
                    .unwrap()
                    .contains("REDACTED")
            );
            body[masked] = planned["body"][masked].clone();
        }
        assert_eq!(planned["body"], body, "{name}");
    }
}

#[tokio::test]
async fn several_steps_are_shown_and_what_would_be_deleted() {
    let (_socket, silent) = nobody();
    let folder = tempfile::tempdir().unwrap();
    for (name, arguments) in [
        ("bucket_prove", &["bucket", "prove", BUCKET][..]),
        (
            "capture_full",
            &[
                "capture",
                "full",
                "--colo=ORD",
                "--bucket",
                BUCKET,
                "-o",
                "x.pcap",
                "--delete-remote",
            ],
        ),
        ("fetch", &["fetch", ID, "-o", "x.pcap", "--delete-remote"]),
    ] {
        let mut command = pcaps_at(&silent);
        command
            .current_dir(folder.path())
            .args(arguments)
            .arg("--dry-run");
        let text = run(&mut command).ok().text();
        filtered(|| insta::assert_snapshot!(name, text));
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_checked_is_checked() {
    let (_socket, silent) = nobody();
    for (code, arguments) in [
        (2, &["capture", "-o", "x", "--packets", "0"][..]),
        (2, &["capture", "-o", "x", "tcp and port 443"]),
        (1, &["capture", "-o", "missing/x"]),
        (2, &["start", "full", "--colo", "?", "--bucket", BUCKET]),
        (2, &["bucket", "add", "r2://captures?account-id=1"]),
        (2, &["bucket", "validate", BUCKET, "--challenge", " "]),
        (2, &["stop", ID, "--output", "id"]),
        (2, &["stop", ID, "--fields", "stopped"]),
    ] {
        let run = run(pcaps_at(&silent).args(arguments).arg("--dry-run"));
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(code), ""),
            "{}",
            run.text()
        );
    }
    let fetch = ["fetch", ID, "-o", "x", "--dry-run"];
    assert_eq!(
        run(pcaps_at(&silent).args(fetch)).code,
        Some(2),
        "it deletes nothing"
    );
    let nobody = run(pcaps().args(["stop", ID, "--dry-run", "--account", ACCOUNT]));
    assert_eq!(nobody.code, Some(3), "{}", nobody.text());
}
