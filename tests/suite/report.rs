//! `pcaps report`: what comes of files, good and bad, and of the browser.

use std::{fs, path::Path};

use pcaps_file::{Timestamp, Writer, WriterOptions};
use pcaps_sim::traffic::Traffic;
use serde_json::Value;

use crate::support::{Run, filtered, pcaps, root, run};

/// A folder with a capture of attacks, a torn one and what is none.
fn files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let traffic = Traffic::synthetic(7);
    let file = fs::File::create(at("attack.pcap")).unwrap();
    let mut writer = Writer::new(file, WriterOptions::new(traffic.link_type())).unwrap();
    let window = Timestamp::from_parts(1_767_225_600, 0)..Timestamp::from_parts(1_767_225_720, 0);
    for packet in traffic.packets(window) {
        writer.write(&packet.as_packet()).unwrap();
    }
    writer.finish().unwrap();
    let dns = fs::read(root().join("crates/pcaps-file/tests/data/dns.pcap")).unwrap();
    fs::write(at("torn.pcap"), &dns[..dns.len() - 1]).unwrap();
    fs::write(at("none.pcap"), "no capture").unwrap();
    folder
}

fn at(folder: &Path, arguments: &[&str]) -> Run {
    run(pcaps()
        .current_dir(folder)
        .arg("report")
        .args(arguments)
        .arg("--utc"))
}

/// Every number of the JSON that is an amount.
fn amounts(value: &Value, into: &mut Vec<u64>) {
    match value {
        Value::Number(it) => into.extend(it.as_u64()),
        Value::Array(all) => all.iter().for_each(|it| amounts(it, into)),
        Value::Object(all) => all.values().for_each(|it| amounts(it, into)),
        _ => {}
    }
}

#[test]
fn it_holds_what_stats_says() {
    let folder = files();
    let path = folder.path();
    let said = at(path, &["attack.pcap", "-o", "r.html"]).ok();
    filtered(|| insta::assert_snapshot!("report", said.text()));
    let page = fs::read_to_string(path.join("r.html")).unwrap();
    let json = run(pcaps()
        .current_dir(path)
        .args(["stats", "attack.pcap", "--json"]))
    .json();
    let mut numbers = Vec::new();
    amounts(&json["total"], &mut numbers);
    assert!(numbers.len() > 4_000, "{}", numbers.len());
    for number in numbers {
        let grouped = pcaps_file::human::count(number);
        // Ports and numbers of protocols are no amounts.
        let shown = [grouped, number.to_string()];
        assert!(
            shown.iter().any(|it| page.contains(it.as_str())),
            "{number} is not on the page"
        );
    }
    for finding in json["total"]["findings"].as_array().unwrap() {
        let text = finding["text"].as_str().unwrap();
        let headline = text.split(": ").next().unwrap();
        assert!(page.contains(headline), "{headline}");
    }
    // The same to standard output, and told otherwise.
    let piped = at(path, &["attack.pcap", "-o", "-"]).ok();
    assert_eq!(piped.stdout, page);
    assert_eq!(piped.stderr, "");
    let document = at(path, &["attack.pcap", "-o", "r.html", "--json"]).json();
    assert_eq!(document["packets"], json["total"]["packets"]);
    assert_eq!(document["finding_count"], json["total"]["finding_count"]);
    assert_eq!(document["bytes"], page.len());
}

#[test]
fn what_cannot_be_read_is_told() {
    let folder = files();
    let path = folder.path();
    let torn = ["torn.pcap", "none.pcap", "attack.pcap", "-o", "r.html"];
    let said = at(path, &torn);
    assert_eq!(said.code, Some(8), "{}", said.text());
    filtered(|| insta::assert_snapshot!("torn", said.text()));
    let page = fs::read_to_string(path.join("r.html")).unwrap();
    assert!(page.contains("Not all of it could be read"));
    assert!(page.contains("<bdi>none.pcap</bdi>"));
    // What is torn may be excused, what is missing or no capture may not.
    let lenient = at(path, &[&torn[..], &["--lenient"]].concat());
    assert_eq!(lenient.code, Some(8), "{}", lenient.text());
    assert!(lenient.stderr.contains("warning: "), "{}", lenient.text());
    assert!(lenient.stderr.contains("error: "), "{}", lenient.text());
    assert_eq!(fs::read_to_string(path.join("r.html")).unwrap(), page);
    let missing = ["attack.pcap", "missing.pcap", "-o", "r.html", "--lenient"];
    assert_eq!(at(path, &missing).code, Some(8));
    let lenient = at(path, &["torn.pcap", "-o", "r.html", "--lenient"]).ok();
    assert!(lenient.stderr.contains("warning: "), "{}", lenient.text());

    // Of nothing there is no page.
    let nothing = at(
        path,
        &["none.pcap", "missing.pcap", "-o", "n.html", "--lenient"],
    );
    assert_eq!((nothing.code, nothing.stdout.as_str()), (Some(1), ""));
    assert!(!path.join("n.html").exists());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let folder = files();
    let path = folder.path();
    let before = fs::read(path.join("attack.pcap")).unwrap();
    for arguments in [
        &["attack.pcap", "-o", "attack.pcap"][..],
        &["-", "-", "-o", "r.html"],
        &["attack.pcap", "-o", "-", "--open"],
        &["attack.pcap", "-o", "-", "--json"],
        &["attack.pcap"],
    ] {
        let run = at(path, arguments);
        assert_eq!(run.code, Some(2), "{arguments:?}: {}", run.text());
        assert_eq!(run.stdout, "");
    }
    let run = at(path, &["attack.pcap", "-o", "no/r.html"]);
    assert_eq!(run.code, Some(1), "{}", run.text());
    assert_eq!(fs::read(path.join("attack.pcap")).unwrap(), before);
}

#[cfg(target_os = "linux")]
#[test]
fn a_browser_shows_it() {
    let folder = files();
    let path = folder.path();
    let programs = path.join("bin");
    fs::create_dir(&programs).unwrap();
    let browser = |script: &str| {
        let file = programs.join("xdg-open");
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(file, mode).unwrap();
    };
    let open = |file: &str| {
        run(pcaps()
            .current_dir(path)
            .env("PATH", &programs)
            .args(["report", file, "-o", "r.html", "--open"]))
    };
    let none = open("attack.pcap");
    assert_eq!(none.code, Some(1), "{}", none.text());
    assert!(none.stderr.contains("open it yourself"), "{}", none.text());
    assert!(path.join("r.html").exists());
    browser("echo \"$1\" > \"${0%/*}/shown\"");
    open("attack.pcap").ok();
    let shown = fs::read_to_string(programs.join("shown")).unwrap();
    let whole = path.join("r.html").canonicalize().unwrap();
    assert_eq!(Path::new(shown.trim_end()), whole);
    // One that stays open keeps nobody waiting.
    browser("/bin/sleep 5; echo > \"${0%/*}/closed\"");
    open("attack.pcap").ok();
    assert!(!programs.join("closed").exists());
    // A partial result is the news, and a browser that fails is told too.
    browser("exit 3");
    let both = open("torn.pcap");
    assert_eq!(both.code, Some(8), "{}", both.text());
    assert!(both.stderr.contains("open it yourself"), "{}", both.text());
}
