//! How the command line behaves: what goes to which stream, in which words, and how it ends.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, BufRead as _, BufReader},
    process::Stdio,
};

use serde_json::{Value, json};

use crate::support::{ACCOUNT, Canned, ID, TOKEN, filtered, pcaps, pcaps_at, root, run};

const BUCKET: &str = "s3://captures/edge?region=eu-west-1";
const KEYS: &str =
    "r2://captures/edge?account-id=1f&access-key-id=AKEXAMPLE&secret-access-key=SKEXAMPLE";

/// What the service says when it does not do what it was asked.
const REFUSAL: &str = r#"{"success": false, "errors": [{"code": 1000, "message": "no"}], "messages": [], "result": null}"#;

/// The example of a capture that failed, and of one that goes on.
fn full_capture(status: &str) -> String {
    let capture =
        json!({"id": ID, "type": "full", "status": status, "error_message": "bucket gone"});
    json!({"success": true, "result": capture}).to_string()
}

fn dns() -> Vec<u8> {
    fs::read(root().join("crates/pcaps-file/tests/data/dns.pcap")).unwrap()
}

/// One document on standard error, and nothing else.
fn error(stderr: &str) -> Value {
    serde_json::from_str(stderr).unwrap_or_else(|error| panic!("{error}: {stderr}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_are_told_of_failures_in_json() {
    let canned = Canned::default();
    let url = canned.start().await;
    for (format, is_document) in [
        ("json", true),
        ("ndjson", true),
        ("yaml", true),
        ("id", false),
        ("table", false),
    ] {
        canned.then(404, "application/json", REFUSAL);
        let run = run(pcaps_at(&url).args(["show", ID, "--output", format]));
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(4), ""),
            "{}",
            run.text()
        );
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.text());
        if is_document {
            let error = &error(&run.stderr)["error"];
            assert_eq!(error["kind"], "not_found");
            assert_eq!(error["exit_code"], 4);
            assert_eq!(error["http_status"], 404);
            assert_eq!(error["ray_id"], "8f00ba4dc0ffee00-ORD");
        } else {
            assert!(
                run.stderr.starts_with("error: cannot get"),
                "{}",
                run.text()
            );
        }
    }
    for (name, arguments) in [
        ("json_of_a_mistyped_command", &["captrue", "--json"][..]),
        (
            "json_of_a_bad_value",
            &["capture", "-o", "x", "--packets=ten", "--json"],
        ),
        (
            "json_of_a_filter",
            &["capture", "-o", "x", "udp or tcp", "--output", "ndjson"],
        ),
        (
            "json_of_a_missing_option",
            &["capture", "udp", "--output=yaml"],
        ),
    ] {
        let run = run(pcaps_at(&url).args(arguments));
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(2), ""),
            "{}",
            run.text()
        );
        let error = error(&run.stderr);
        filtered(|| insta::assert_snapshot!(name, format!("{error:#}")));
    }
    // Keys do not get into a document either.
    let run = run(pcaps_at(&url).args([
        "start", "full", KEYS, "--colo", "ORD", "--bucket", BUCKET, "--json",
    ]));
    assert!(!run.text().contains("EXAMPLE"), "{}", run.text());
}

/// The exit codes that the help promises.
fn promised() -> BTreeSet<i32> {
    let help = run(pcaps().arg("--help")).ok().stdout;
    let codes = help.split("Exit codes:\n").nth(1).unwrap();
    let codes = codes.lines().take_while(|line| !line.is_empty());
    codes
        .map(|line| line.split_whitespace().next().unwrap().parse().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_exit_code_is_given_by_the_program() {
    let canned = Canned::default();
    let url = canned.start().await;
    let folder = tempfile::tempdir().unwrap();
    let whole = dns();
    fs::write(folder.path().join("torn.pcap"), &whole[..whole.len() - 1]).unwrap();
    let mut seen = BTreeSet::new();
    let mut ends = |code: i32, arguments: &[&str]| {
        let run = run(pcaps_at(&url).current_dir(folder.path()).args(arguments));
        assert_eq!(run.code, Some(code), "{arguments:?}: {}", run.text());
        seen.insert(code);
    };
    let show = ["show", ID, "--retries", "0"];
    canned.then_example("get_capture.full.response");
    ends(0, &show);
    ends(2, &["show", ""]);
    for (status, code) in [(500, 1), (401, 3), (403, 3), (404, 4), (429, 5)] {
        canned.then(status, "application/json", REFUSAL);
        ends(code, &show);
    }
    canned.then(200, "application/json", full_capture("failed"));
    ends(6, &["wait", ID]);
    canned.then(200, "application/json", full_capture("running"));
    ends(7, &["wait", ID, "--timeout", "1s"]);
    ends(8, &["stats", "torn.pcap"]);
    #[cfg(unix)]
    {
        canned.then(200, "application/json", full_capture("running"));
        let mut child = pcaps_at(&url)
            .args(["wait", ID])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        assert!(said.next().unwrap().unwrap().starts_with("status: running"));
        let id = child.id().to_string();
        let kill = std::process::Command::new("kill")
            .args(["-INT", &id])
            .status();
        assert!(kill.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(130));
        seen.insert(130);
        assert_eq!(seen, promised());
    }
}

/// Standard output whose reader has left.
fn closed() -> Stdio {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_leaves_is_no_error() {
    let canned = Canned::default();
    let url = canned.start().await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.pcap"), dns()).unwrap();
    let leaves = |example: &str, arguments: &[&str]| {
        match example {
            "" => {}
            "204" => drop(canned.then(204, "", "")),
            example => drop(canned.then_example(example)),
        }
        let mut command = pcaps_at(&url);
        command.current_dir(folder.path()).args(arguments);
        let run = run(command.stdout(closed()));
        assert_eq!(run.code, Some(0), "{arguments:?}: {}", run.text());
        let is_quiet = |line: &str| !line.contains("error") && !line.contains("pipe");
        assert!(
            run.stderr.lines().all(is_quiet),
            "{arguments:?}: {}",
            run.text()
        );
    };
    for format in ["table", "json", "ndjson", "yaml", "id"] {
        leaves("list_captures.response", &["list", "--output", format]);
    }
    leaves("list_captures.response", &["list", "--fields", "id"]);
    leaves("get_capture.full.response", &["show", ID]);
    leaves("get_capture.simple.response", &["wait", ID]);
    leaves("start_capture.simple.response", &["start", "sample"]);
    leaves("204", &["stop", ID]);
    leaves("register_bucket.response", &["bucket", "add", BUCKET]);
    leaves("list_buckets.response", &["bucket", "list"]);
    leaves(
        "validate_bucket.response",
        &["bucket", "validate", BUCKET, "--challenge", "c"],
    );
    leaves("204", &["bucket", "remove", ID, "--yes"]);
    leaves("", &["bucket", "prove", BUCKET, "--simulate"]);
    leaves("", &["capture", "--simulate", "-o", "b.pcap"]);
    leaves("", &["capture", "--simulate", "-o", "-"]);
    leaves("", &["capture", "udp", "-o", "c.pcap", "--dry-run"]);
    let full = [
        "capture",
        "full",
        "--simulate",
        "--colo=ORD",
        "--time-limit=1s",
    ];
    leaves(
        "",
        &[&full[..], &["--bucket=gs://b", "-o", "f.pcap"]].concat(),
    );
    canned.then(200, "application/vnd.tcpdump.pcap", dns());
    leaves("", &["download", ID, "-o", "g.pcap"]);
    for arguments in [
        &["stats", "a.pcap"][..],
        &["stats", "a.pcap", "a.pcap", "--json"],
        &["filter", "udp", "a.pcap", "-o", "-"],
        &["filter", "udp", "a.pcap", "-o", "d.pcap", "--json"],
        &["merge", "a.pcap", "-o", "-"],
        &["merge", "a.pcap", "-o", "e.pcap"],
        &["export", "a.pcap", "-o", "table"],
        &["schema"],
        &["sim"],
        &["--help"],
        &["--version"],
    ] {
        leaves("", arguments);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_answers_are_shown_on_demand() {
    let canned = Canned::default();
    let url = canned.start().await;
    let script = || {
        canned
            .then(503, "text/plain", "later")
            .then_example("list_captures.response")
    };
    script();
    let plain = run(pcaps_at(&url).arg("list")).ok();
    assert_eq!(plain.stderr, "");
    script();
    let text = run(pcaps_at(&url).args(["list", "-v"])).ok();
    assert_eq!(text.stdout, plain.stdout);
    filtered(|| insta::assert_snapshot!("verbose", text.stderr));

    canned.then_example("register_bucket.response");
    let json = ["bucket", "add", KEYS, "-v", "--log-format", "json"];
    let json = run(pcaps_at(&url).args(json)).ok();
    assert!(
        !json.text().contains("EXAMPLE") && !json.text().contains(TOKEN),
        "{}",
        json.text()
    );
    let events: Vec<Value> = json
        .stderr
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let url = format!("{url}/accounts/{ACCOUNT}/pcaps/ownership");
    assert_eq!(events[0]["http.request.method"], "POST", "{}", json.text());
    assert_eq!(events[0]["url.full"], url);
    assert_eq!(events[1]["http.response.status_code"], 200);
    assert!(events[1]["duration_ms"].is_u64() && events[1]["timestamp"].is_string());
    // The simulator of `--simulate` is no part of it.
    let simulated = run(pcaps().args(["list", "--simulate", "-v"])).ok();
    assert_eq!(
        simulated
            .stderr
            .lines()
            .filter(|it| it.starts_with('>'))
            .count(),
        1
    );
    assert!(!simulated.stderr.contains(" ms\n*"), "{}", simulated.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_in_lines_or_nowhere() {
    let canned = Canned::default();
    let url = canned.start().await;
    let folder = tempfile::tempdir().unwrap();
    let download = |options: &[&str]| {
        canned.then(200, "application/vnd.tcpdump.pcap", dns());
        let mut command = pcaps_at(&url);
        let command = command.current_dir(folder.path());
        run(command.args(["download", ID, "-o", "a.pcap"]).args(options)).ok()
    };
    let lines = download(&["--progress", "plain"]);
    assert!(
        lines.stderr.starts_with("downloading: 100%, 6 kB of 6 kB"),
        "{}",
        lines.text()
    );
    assert_eq!(
        download(&["-v"])
            .stderr
            .matches("downloading: 100%")
            .count(),
        1
    );
    assert_eq!(download(&["--progress", "none"]).stderr, "");
    assert_eq!(download(&["--quiet"]).stderr, "");

    let capture = ["capture", "--simulate", "--packets", "5", "-o", "b.pcap"];
    let capture = |options: &[&str]| {
        let mut command = pcaps();
        run(command
            .current_dir(folder.path())
            .args(capture)
            .args(options))
        .ok()
    };
    let all = capture(&[]).stderr;
    assert!(
        all.contains("started capture") && all.contains("note: that is as many"),
        "{all}"
    );
    let none = capture(&["--progress=none"]).stderr;
    assert!(
        !none.contains("started") && none.starts_with("note: "),
        "{none}"
    );
    assert_eq!(capture(&["-q"]).stderr, "");
    for arguments in [
        &["filter", "udp", "a.pcap", "-o", "-", "-q"][..],
        &["merge", "a.pcap", "a.pcap", "-o", "-", "--quiet"],
        &["capture", "--simulate", "-o", "-", "-q"],
    ] {
        let mut command = pcaps();
        let command = command.current_dir(folder.path()).args(arguments);
        let output = command.output().unwrap();
        assert!(output.status.success() && !output.stdout.is_empty());
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
    let failed = run(pcaps().args(["show", ID, "--simulate", "-q"]));
    assert!(failed.stderr.starts_with("error: "), "{}", failed.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_and_times_are_as_asked_for() {
    let canned = Canned::default();
    let url = canned.start().await;
    let list = |zone: &str, options: &[&str]| {
        canned.then_example("list_captures.response");
        let mut command = pcaps_at(&url);
        command.env_remove("NO_COLOR").env("TZ", zone);
        run(command.arg("list").args(options)).ok().stdout
    };
    let plain = list("UTC0", &[]);
    assert!(!plain.contains('\u{1b}'), "a pipe has no colours: {plain}");
    let coloured = list("UTC0", &["--color", "always"]);
    assert!(
        coloured.contains("\u{1b}[32msuccess\u{1b}[0m"),
        "{coloured}"
    );
    assert_eq!(
        coloured
            .replace("\u{1b}[32m", "")
            .replace("\u{1b}[33m", "")
            .replace("\u{1b}[0m", ""),
        plain
    );
    assert!(!list("UTC0", &["--color", "always", "--json"]).contains('\u{1b}'));

    let tokyo = list("<+09>-9", &[]);
    assert!(tokyo.contains("+09:00") && !tokyo.contains("Z "), "{tokyo}");
    assert_eq!(list("<+09>-9", &["--utc"]), plain);
    assert_eq!(
        list("<+09>-9", &["--json"]),
        list("UTC0", &["--json"]),
        "programs read UTC"
    );

    let error = |color| {
        let run = run(pcaps().args(["captrue", "--color", color]));
        assert_eq!(run.code, Some(2));
        run.stderr
    };
    assert!(error("always").starts_with('\u{1b}'));
    assert!(!error("auto").contains('\u{1b}'));
    let help = run(pcaps().args(["--color=always", "--help"])).ok().stdout;
    assert!(help.contains('\u{1b}'), "{help}");

    // The times of packets too.
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.pcap"), dns()).unwrap();
    let stats = |options: &[&str]| {
        let mut command = pcaps();
        command
            .current_dir(folder.path())
            .env("TZ", "<+09>-9")
            .args(["stats", "a.pcap"]);
        run(command.args(options)).ok().stdout
    };
    let first = |text: &str| {
        text.lines()
            .find(|it| it.starts_with("first"))
            .unwrap()
            .to_owned()
    };
    assert!(first(&stats(&[])).ends_with("+09:00"), "{}", stats(&[]));
    assert!(first(&stats(&["--utc"])).ends_with('Z'));
}
