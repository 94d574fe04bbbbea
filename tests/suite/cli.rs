//! What the command line prints: help, tables, JSON and errors.

use std::{fs, net::TcpListener, process::Command};

use crate::support::{ACCOUNT, Canned, ID, Run, TOKEN, filtered, nobody, pcaps, pcaps_at, run};

const BUCKET: &str = "s3://captures/edge?region=eu-west-1";

/// A run of the program against a service that answers with these examples.
async fn with(examples: &[&str], arguments: &[&str]) -> Run {
    let canned = Canned::default();
    let url = canned.start().await;
    for example in examples {
        canned.then_example(example);
    }
    let run = run(pcaps_at(&url).args(arguments));
    assert_eq!(canned.requests().len(), examples.len(), "{}", run.text());
    assert!(
        !run.text().contains(TOKEN) && !run.text().contains("EXAMPLE"),
        "{}",
        run.text()
    );
    run
}

#[test]
fn help() {
    let commands: &[&[&str]] = &[
        &[],
        &["capture"],
        &["capture", "sample"],
        &["capture", "full"],
        &["start"],
        &["start", "sample"],
        &["start", "full"],
        &["list"],
        &["show"],
        &["wait"],
        &["stop"],
        &["download"],
        &["fetch"],
        &["history"],
        &["watch"],
        &["bucket"],
        &["bucket", "prove"],
        &["bucket", "add"],
        &["bucket", "validate"],
        &["bucket", "remove"],
        &["stats"],
        &["report"],
        &["filter"],
        &["merge"],
        &["export"],
        &["query"],
        &["sim"],
        &["schema"],
        &["auth"],
        &["auth", "login"],
        &["auth", "status"],
        &["auth", "logout"],
        &["doctor"],
        &["completions"],
        &["man"],
        &["wireshark"],
        &["wireshark", "install"],
        &["wireshark", "status"],
        &["wireshark", "uninstall"],
    ];
    for command in commands {
        let run = run(pcaps().args(*command).arg("--help")).ok();
        assert_eq!(run.stderr, "");
        let name = ["help", &command.join("_")]
            .join("_")
            .trim_end_matches('_')
            .to_owned();
        filtered(|| insta::assert_snapshot!(name, run.stdout));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_read() {
    for (name, examples, arguments) in [
        ("list", &["list_captures.response"][..], &["list"][..]),
        (
            "list_of_nothing",
            &["quirk.null_result.list_captures.response"],
            &["list"],
        ),
        (
            "list_with_an_unknown_type",
            &["quirk.unknown_type.list_captures.response"],
            &["list"],
        ),
        (
            "show_sample",
            &["get_capture.simple.response"],
            &["show", ID],
        ),
        ("show_full", &["get_capture.full.response"], &["show", ID]),
        ("wait", &["get_capture.simple.response"], &["wait", ID]),
        (
            "start_sample",
            &["start_capture.simple.response"],
            &["start", "sample", "udp and dst port 53"],
        ),
        (
            "start_full",
            &["start_capture.full.response"],
            &["start", "full", "--colo", "ORD", "--bucket", BUCKET],
        ),
        (
            "bucket_add",
            &["register_bucket.response"],
            &["bucket", "add", BUCKET],
        ),
        (
            "bucket_list",
            &["list_buckets.response"],
            &["bucket", "list"],
        ),
        (
            "bucket_list_of_nothing",
            &["quirk.null_result.list_buckets.response"],
            &["bucket", "list"],
        ),
        (
            "bucket_list_with_keys",
            &["quirk.keys_echoed.list_buckets.response"],
            &["bucket", "list"],
        ),
        (
            "bucket_validate",
            &["validate_bucket.response"],
            &["bucket", "validate", BUCKET, "--challenge", "c"],
        ),
    ] {
        let run = with(examples, arguments).await.ok();
        filtered(|| insta::assert_snapshot!(name, run.text()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_programs_read() {
    for (name, example, arguments) in [
        ("list", "list_captures.response", &["list"][..]),
        (
            "list_of_nothing",
            "quirk.null_result.list_captures.response",
            &["list"],
        ),
        (
            "list_with_an_unknown_type",
            "quirk.unknown_type.list_captures.response",
            &["list"],
        ),
        (
            "list_with_colo",
            "quirk.colo.list_captures.response",
            &["list"],
        ),
        ("show", "get_capture.full.response", &["show", ID]),
        (
            "start",
            "start_capture.simple.response",
            &["start", "sample"],
        ),
        (
            "bucket_list_with_keys",
            "quirk.keys_echoed.list_buckets.response",
            &["bucket", "list"],
        ),
        (
            "bucket_add",
            "register_bucket.response",
            &["bucket", "add", BUCKET],
        ),
    ] {
        let run = with(&[example], &[arguments, &["--json"]].concat()).await;
        let json = run.json();
        filtered(|| insta::assert_snapshot!(format!("json_{name}"), format!("{json:#}")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_without_a_result_still_give_one_document() {
    let canned = Canned::default();
    let url = canned.start().await;
    for arguments in [&["stop", ID][..], &["bucket", "remove", ID, "--yes"]] {
        canned.then(204, "", "");
        assert_eq!(
            run(pcaps_at(&url).args(arguments).arg("--json")).json()["id"],
            ID
        );
        canned.then(204, "", "");
        run(pcaps_at(&url).args(arguments)).ok();
    }
}

/// A run that must fail, say one thing, and leave nothing.
fn refused(name: &str, command: &mut Command, code: i32) {
    let folder = tempfile::tempdir().unwrap();
    let run = run(command.current_dir(folder.path()));
    assert_eq!(run.code, Some(code), "{name}: {}", run.text());
    assert_eq!(run.stdout, "", "{name}");
    assert!(run.stderr.starts_with("error: "), "{name}: {}", run.stderr);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "{name}: a file was left"
    );
    filtered(|| insta::assert_snapshot!(format!("refused_{name}"), run.text()));
}

#[tokio::test]
async fn bad_input() {
    // Nobody answers there: what is refused must be refused before anything is sent.
    let (_socket, url) = nobody();
    let at = || pcaps_at(&url);
    refused("empty_id", at().args(["show", ""]), 2);
    refused("long_id", at().args(["show", &"0".repeat(33)]), 2);
    refused(
        "id_with_a_slash",
        at().args(["download", "../ownership", "-o", "a.pcap"]),
        2,
    );
    refused(
        "no_packets",
        at().args(["capture", "-o", "a.pcap", "--packets", "0"]),
        2,
    );
    refused(
        "too_many_packets",
        at().args(["capture", "-o", "a.pcap", "--packets", "10001"]),
        2,
    );
    refused(
        "negative_packets",
        at().args(["capture", "-o", "a.pcap", "--packets=-1"]),
        2,
    );
    refused(
        "too_long",
        at().args(["capture", "-o", "a.pcap", "--time-limit", "6m"]),
        2,
    );
    refused(
        "no_duration",
        at().args(["capture", "-o", "a.pcap", "--time-limit", "soon"]),
        2,
    );
    refused(
        "too_old",
        at().args(["capture", "-o", "a.pcap", "--at", "2020-01-01T00:00:00Z"]),
        2,
    );
    refused(
        "filter_the_service_cannot_express",
        at().args(["capture", "-o", "a.pcap", "tcp and port 443"]),
        2,
    );
    refused(
        "filter_that_is_none",
        at().args(["capture", "-o", "a.pcap", "udp and dst host example.com"]),
        2,
    );
}

#[tokio::test]
async fn more_bad_input() {
    let (_socket, url) = nobody();
    let at = || pcaps_at(&url);
    refused(
        "bucket_that_nobody_can_be_asked_about",
        at().args(["bucket", "remove", ID]),
        2,
    );
    refused(
        "bucket_that_is_none",
        at().args(["bucket", "add", "https://captures"]),
        2,
    );
    refused(
        "no_region",
        at().args(["bucket", "add", "s3://captures/edge"]),
        2,
    );
    refused(
        "r2_without_keys",
        at().args(["bucket", "add", "r2://captures/edge?account-id=1"]),
        2,
    );
    refused(
        "empty_challenge",
        at().args(["bucket", "validate", BUCKET, "--challenge", ""]),
        2,
    );
    refused(
        "too_many_bytes",
        at().args([
            "start", "full", "--colo", "ORD", "--bucket", BUCKET, "--bytes", "2GB",
        ]),
        2,
    );
    refused(
        "unwritable_output",
        at().args(["capture", "-o", "missing/a.pcap"]),
        1,
    );
    refused("output_is_a_folder", at().args(["capture", "-o", "/"]), 1);
    refused("no_output", at().args(["capture", "udp"]), 2);
    refused("unknown_command", at().args(["captrue"]), 2);
    refused("nobody_there", at().args(["list", "--retries", "0"]), 1);
    refused(
        "plain_http",
        at().args(["list", "--base-url", "http://192.0.2.1/client/v4"]),
        2,
    );
    refused(
        "filter_of_a_missing_file",
        at().args(["filter", "udp", "port", "53", "-o", "x.pcap"]),
        1,
    );
    refused(
        "filter_of_nothing",
        at().args(["filter", "udp", "-o", "x.pcap"]),
        2,
    );
    refused(
        "filter_that_is_none_of_a_file",
        at().args(["filter", "-r", "-", "udp", "port", "-o", "x.pcap"]),
        2,
    );
    refused("no_file", at().args(["stats", "missing.pcap"]), 1);
    refused("no_token", pcaps().args(["list", "--account", ACCOUNT]), 3);
    refused(
        "no_account",
        pcaps().env("CLOUDFLARE_API_TOKEN", TOKEN).args(["list"]),
        2,
    );
    refused(
        "missing_traffic",
        pcaps().args(["sim", "--traffic", "missing.pcap"]),
        1,
    );
    for (name, mapping) in [
        (
            "bucket_map_user",
            "s3://b=s3+http://key:hunter2@localhost/b",
        ),
        (
            "bucket_map_query",
            "r2://b?secret-access-key=hunter2=memory:",
        ),
        ("bucket_map_store", "s3://b=ftp://hunter2/b"),
    ] {
        refused(name, pcaps().args(["sim", "--bucket-map", mapping]), 2);
    }
}

#[test]
fn a_port_in_use() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    refused(
        "port_in_use",
        pcaps().args(["sim", "--listen", &address]),
        1,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_failure_has_its_exit_code() {
    let canned = Canned::default();
    let url = canned.start().await;
    let failure = r#"{"success": false, "errors": [{"code": 1000, "message": "no"}], "messages": [], "result": null}"#;
    for (status, code) in [
        (400, 1),
        (401, 3),
        (403, 3),
        (404, 4),
        (409, 1),
        (429, 5),
        (500, 1),
        (200, 1),
    ] {
        canned.then(status, "application/json", failure);
        let run = run(pcaps_at(&url).args(["show", ID, "--json", "--retries", "0"]));
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(code), ""),
            "{status}: {}",
            run.text()
        );
    }
    canned.then(200, "application/json", format!(
        r#"{{"success": true, "result": {{"type": "full", "id": "{ID}", "status": "failed", "error_message": "bucket gone"}}}}"#
    ));
    let run = run(pcaps_at(&url).args(["wait", ID]));
    assert_eq!(run.code, Some(6), "{}", run.text());
    assert!(run.stderr.contains("bucket gone"), "{}", run.text());
    canned.then_example("get_capture.full.response");
    let run = crate::support::run(pcaps_at(&url).args(["wait", ID, "--timeout", "1s"]));
    assert_eq!(run.code, Some(7), "{}", run.text());
    assert!(run.stderr.contains("running"), "{}", run.text());
}

#[test]
fn a_torn_file_is_summed_up_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let whole =
        fs::read(crate::support::root().join("crates/pcaps-file/tests/data/dns.pcap")).unwrap();
    fs::write(folder.path().join("whole.pcap"), &whole).unwrap();
    fs::write(folder.path().join("torn.pcap"), &whole[..whole.len() - 1]).unwrap();
    let whole = run(pcaps()
        .current_dir(folder.path())
        .args(["stats", "whole.pcap"]))
    .ok();
    filtered(|| insta::assert_snapshot!("stats", whole.text()));
    let torn = run(pcaps()
        .current_dir(folder.path())
        .args(["stats", "torn.pcap", "--json"]));
    assert_eq!(torn.code, Some(8), "{}", torn.text());
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&torn.stdout).unwrap()["total"]["packets"],
        41
    );
    filtered(|| insta::assert_snapshot!("stats_of_a_torn_file", torn.stderr));

    // Several: what can be read is summed up, and what cannot is told.
    let files = ["whole.pcap", "torn.pcap", "missing.pcap"];
    let stats = || {
        let mut command = pcaps();
        command.current_dir(folder.path()).arg("stats").args(files);
        command
    };
    let text = run(&mut stats());
    assert_eq!(text.code, Some(8), "{}", text.text());
    filtered(|| insta::assert_snapshot!("stats_of_several_files", text.text()));
    let json = run(stats().arg("--json"));
    assert_eq!(json.code, Some(8), "{}", json.text());
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let found: Vec<_> = json["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| {
            (
                file["file"].as_str(),
                file["packets"].as_u64(),
                file["error"].is_null(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (Some("whole.pcap"), Some(42), true),
            (Some("torn.pcap"), Some(41), false),
            (Some("missing.pcap"), Some(0), false),
        ]
    );
    assert_eq!(json["files"][1]["error"]["offset"], 5_764);
    assert_eq!(json["total"]["packets"], 83);
    assert_eq!(json["total"]["flow_count"], 1);
}

/// What the filter takes of a file, whole or torn, from a path or standard input, by path or standard output.
#[test]
fn a_filter_writes_what_it_takes() {
    let folder = tempfile::tempdir().unwrap();
    let data = crate::support::root().join("crates/pcaps-file/tests/data");
    let whole = fs::read(data.join("dns.pcap")).unwrap();
    fs::write(folder.path().join("whole.pcap"), &whole).unwrap();
    fs::write(folder.path().join("torn.pcap"), &whole[..whole.len() - 1]).unwrap();
    let at = |arguments: &[&str]| run(pcaps().current_dir(folder.path()).args(arguments));
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();

    let all = at(&["filter", "", "whole.pcap", "-o", "all.pcap"]).ok();
    filtered(|| insta::assert_snapshot!("filter", all.text()));
    assert!(read("all.pcap") == whole, "every packet as it was");

    let queries = at(&[
        "filter",
        "-r",
        "whole.pcap",
        "udp",
        "dst",
        "port",
        "53",
        "-w",
        "queries.pcap",
    ]);
    let answers = at(&[
        "filter",
        "udp src port 53",
        "whole.pcap",
        "-o",
        "answers.pcap",
        "--json",
    ])
    .ok();
    filtered(|| insta::assert_snapshot!("json_filter", answers.stdout));
    assert!(queries.ok().stdout.is_empty());
    assert_eq!(
        read("queries.pcap").len() + read("answers.pcap").len(),
        whole.len() + 24
    );

    // Nanoseconds stay, also beside a file without.
    let nanoseconds = [&[0x4d, 0x3c, 0xb2, 0xa1], &whole[4..]].concat();
    fs::write(folder.path().join("nano.pcap"), &nanoseconds).unwrap();
    at(&["filter", "", "nano.pcap", "-o", "nano-all.pcap"]).ok();
    assert!(
        read("nano-all.pcap") == nanoseconds,
        "every digit as it was"
    );
    at(&["filter", "", "whole.pcap", "nano.pcap", "-o", "mixed.pcap"]).ok();
    assert!(read("mixed.pcap").starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]));

    // Two files, one after the other; the second is torn, and its last packet lost.
    let torn = at(&[
        "filter",
        "udp",
        "torn.pcap",
        "whole.pcap",
        "-o",
        "two.pcap",
        "--json",
    ]);
    assert_eq!(torn.code, Some(8), "{}", torn.text());
    let document: serde_json::Value = serde_json::from_str(&torn.stdout).unwrap();
    assert_eq!(document["read"], 41 + 42, "{document}");
    filtered(|| insta::assert_snapshot!("filter_of_a_torn_file", torn.stderr));

    // In place, and with an error nothing changes.
    at(&[
        "filter",
        "udp src port 53",
        "whole.pcap",
        "-o",
        "whole.pcap",
    ])
    .ok();
    assert!(
        read("whole.pcap") == read("answers.pcap"),
        "the same packets"
    );
    let refused = at(&[
        "filter",
        "vlan or ether[0] == 0 and port 53 and",
        "whole.pcap",
        "-o",
        "two.pcap",
    ]);
    assert_eq!(refused.code, Some(2), "{}", refused.text());
    assert_eq!(
        at(&["filter", "udp", "whole.pcap", "-o", "missing/x.pcap"]).code,
        Some(1)
    );
    let names = fs::read_dir(folder.path())
        .unwrap()
        .map(|it| it.unwrap().file_name());
    assert!(
        names
            .into_iter()
            .all(|it| !it.to_string_lossy().starts_with('.'))
    );
}

/// The file system says no while the download is written: that is told, and nothing is left.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_no_capture() {
    let canned = Canned::default();
    let url = canned.start().await;
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(crate::support::root().join("crates/pcaps-file/tests/data/dns.pcap"));
    canned.then(200, "application/vnd.tcpdump.pcap", whole.unwrap());
    let program = pcaps_at(&url);
    let mut shell = Command::new("sh");
    shell
        .env_clear()
        .envs(
            program
                .get_envs()
                .filter_map(|(key, value)| Some((key, value?))),
        )
        .current_dir(folder.path())
        // No file may grow beyond 1 KiB or 512 bytes, depending on the shell.
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 1; exec \"$0\" download \"$1\" -o a.pcap",
        ])
        .arg(program.get_program())
        .arg(ID);
    let run = run(&mut shell);
    assert_eq!(run.code, Some(1), "{}", run.text());
    assert!(
        run.stderr.contains("cannot write a.pcap: File too large"),
        "{}",
        run.text()
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
