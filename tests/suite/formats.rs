//! `--output`, `--fields` and `pcaps schema`: what programs read.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Value, json};

use crate::{
    auth::{self, Home},
    support::{ACCOUNT, Canned, ID, Run, TOKEN, filtered, pcaps, pcaps_at, root, run},
};

const BUCKET: &str = "s3://captures/edge?region=eu-west-1";

/// A run against a service that answers with an example, or with nothing.
async fn with(example: &str, arguments: &[&str]) -> Run {
    let canned = Canned::default();
    let url = canned.start().await;
    if example.is_empty() {
        canned.then(204, "", "");
    } else {
        canned.then_example(example);
    }
    run(pcaps_at(&url).args(arguments))
}

/// A folder with a whole file and a torn one.
fn files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(root().join("crates/pcaps-file/tests/data/dns.pcap")).unwrap();
    fs::write(folder.path().join("whole.pcap"), &whole).unwrap();
    fs::write(folder.path().join("torn.pcap"), &whole[..whole.len() - 1]).unwrap();
    folder
}

fn at(folder: &Path, arguments: &[&str]) -> Run {
    run(pcaps().current_dir(folder).args(arguments))
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_format_has_its_form() {
    for (name, example, arguments) in [
        ("list", "list_captures.response", &["list"][..]),
        ("show", "get_capture.full.response", &["show", ID]),
        ("bucket_list", "list_buckets.response", &["bucket", "list"]),
        (
            "start",
            "start_capture.simple.response",
            &["start", "sample"],
        ),
        ("stop", "", &["stop", ID]),
    ] {
        for format in ["ndjson", "yaml", "id"] {
            let run = with(example, &[arguments, &["--output", format]].concat()).await;
            assert_eq!(run.stderr, "", "{name} {format}");
            assert!(
                run.stdout.ends_with('\n'),
                "{name} {format}: {}",
                run.text()
            );
            filtered(|| insta::assert_snapshot!(format!("{name}_{format}"), run.ok().stdout));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_picked_in_every_format() {
    for format in ["table", "json", "ndjson", "yaml"] {
        let fields = "--fields=status,id,filter_v1.destination_port,submitted";
        let list = ["list", "--output", format, fields];
        let run = with("list_captures.response", &list).await.ok();
        filtered(|| insta::assert_snapshot!(format!("fields_{format}"), run.stdout));
    }
    let one = with(
        "get_capture.full.response",
        &["show", ID, "--fields=id,colo_name,filter_v1"],
    );
    let one = one.await.ok().stdout;
    filtered(|| insta::assert_snapshot!("fields_of_one", one));
}

#[test]
fn sums_have_the_formats_too() {
    let folder = files();
    let stats = |arguments: &[&str]| {
        let all = [&["stats", "whole.pcap", "torn.pcap"], arguments].concat();
        let run = at(folder.path(), &all);
        assert_eq!(run.code, Some(8), "{}", run.text());
        run.stdout
    };
    let json = parsed(&stats(&["--json"]));
    let line = stats(&["--output", "ndjson"]);
    assert_eq!(line.lines().count(), 1, "{line}");
    assert_eq!(parsed(&line), json);
    let yaml: Value = serde_saphyr::from_str(&stats(&["--output", "yaml"])).unwrap();
    assert_eq!(yaml, json);
    let fields = "files.file,files.packets,files.error.offset,total.packets";
    assert_eq!(
        parsed(&stats(&["--json", "--fields", fields])),
        json!({
            "files": [
                {"file": "whole.pcap", "packets": 42, "error": null},
                {"file": "torn.pcap", "packets": 41, "error": {"offset": 5_764}},
            ],
            "total": {"packets": 83},
        })
    );
    let text = stats(&["--fields", "total.packets,files.file"]);
    filtered(|| insta::assert_snapshot!("fields_of_sums", text));
}

/// What is refused is refused before anything is asked: nobody answers there.
#[tokio::test]
async fn what_a_result_does_not_have_is_not_printed() {
    let (_socket, url) = crate::support::nobody();
    for (name, arguments) in [
        ("unknown_field", &["list", "--fields", "id,colour"][..]),
        (
            "unknown_field_below",
            &["show", ID, "--fields", "filter_v1.port"],
        ),
        ("field_of_nothing", &["show", ID, "--fields", "id.x"]),
        ("no_ids", &["stats", "x.pcap", "--output", "id"]),
        ("ids_with_fields", &["list", "--output=id", "--fields=id"]),
        (
            "fields_of_a_schema",
            &["schema", "list", "--fields", "title"],
        ),
        ("unknown_schema", &["schema", "captrue"]),
        (
            "output_file_as_format",
            &["capture", "udp", "--output", "dns.pcap"],
        ),
        (
            "both_to_stdout",
            &["capture", "-o", "-", "--output", "yaml"],
        ),
        (
            "fields_and_stdout",
            &["merge", "x", "-o", "-", "--fields", "path"],
        ),
        ("two_formats", &["list", "--json", "--output", "yaml"]),
    ] {
        let run = run(pcaps_at(&url).args(arguments));
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(2), ""),
            "{name}: {}",
            run.text()
        );
        filtered(|| insta::assert_snapshot!(format!("refused_{name}"), run.stderr));
    }
}

/// Real results of every command, whole and partial, by the names that `pcaps schema` has for them.
#[derive(Default)]
struct Results(BTreeMap<&'static str, Vec<Value>>);

impl Results {
    fn add(&mut self, command: &'static str, document: Value) {
        self.0.entry(command).or_default().push(document);
    }

    async fn of_the_service(&mut self) {
        let full = ["start", "full", "--colo", "ORD", "--bucket", BUCKET];
        let validate = ["bucket", "validate", BUCKET, "--challenge", "c"];
        let words: [(&str, &[&str], &[&str]); 10] = [
            (
                "list",
                &["list"],
                &[
                    "list_captures.response",
                    "quirk.null_result.list_captures.response",
                    "quirk.unknown_type.list_captures.response",
                    "quirk.colo.list_captures.response",
                ],
            ),
            (
                "show",
                &["show", ID],
                &["get_capture.simple.response", "get_capture.full.response"],
            ),
            ("wait", &["wait", ID], &["get_capture.simple.response"]),
            ("stop", &["stop", ID], &[""]),
            (
                "start sample",
                &["start", "sample"],
                &["start_capture.simple.response"],
            ),
            ("start full", &full, &["start_capture.full.response"]),
            (
                "bucket add",
                &["bucket", "add", BUCKET],
                &["register_bucket.response"],
            ),
            (
                "bucket list",
                &["bucket", "list"],
                &[
                    "list_buckets.response",
                    "quirk.null_result.list_buckets.response",
                    "quirk.keys_echoed.list_buckets.response",
                ],
            ),
            ("bucket validate", &validate, &["validate_bucket.response"]),
            ("bucket remove", &["bucket", "remove", ID, "--yes"], &[""]),
        ];
        for (command, arguments, examples) in words {
            for example in examples {
                let run = with(example, &[arguments, &["--json"]].concat()).await;
                self.add(command, run.json());
            }
        }
    }

    async fn of_setting_up(&mut self) {
        let (simulator, home) = (auth::simulator().await, Home::new());
        let at = ["--account", ACCOUNT, "--base-url", simulator.base_url()];
        let login = home.login(TOKEN, &[&at[..], &["--json"]].concat());
        self.add("auth login", login.json());
        for (command, arguments) in [
            ("auth status", ["auth", "status", "--json"].as_slice()),
            ("doctor", &["doctor", "--json"]),
            ("auth logout", &["auth", "logout", "--json"]),
            ("wireshark install", &["wireshark", "install", "--json"]),
            ("wireshark status", &["wireshark", "status", "--json"]),
            ("wireshark uninstall", &["wireshark", "uninstall", "--json"]),
        ] {
            self.add(command, home.run(arguments).json());
        }
    }

    fn of_files(&mut self) {
        let folder = files();
        let words: [(&'static str, &[&str]); 5] = [
            ("stats", &["stats"]),
            ("report", &["report", "-o", "out.html"]),
            ("filter", &["filter", "udp", "-o", "out.pcap"]),
            ("merge", &["merge", "-o", "out.pcap"]),
            ("export", &["export", "-o", "table"]),
        ];
        let inputs: [(&[&str], i32); 2] = [
            (&["whole.pcap", "whole.pcap"], 0),
            (&["whole.pcap", "torn.pcap"], 8),
        ];
        for (command, arguments) in words {
            for (files, code) in inputs {
                let run = at(folder.path(), &[arguments, files, &["--json"]].concat());
                assert_eq!(run.code, Some(code), "{}", run.text());
                self.add(command, parsed(&run.stdout));
            }
        }
    }

    fn of_a_simulator(&mut self) {
        let folder = tempfile::tempdir().unwrap();
        let json = |arguments: &[&str]| {
            at(
                folder.path(),
                &[arguments, &["--simulate", "--json"]].concat(),
            )
        };
        let bucket = ["--colo", "ORD", "--bucket", "gs://captures/edge"];
        // Within one second there may be no packet.
        let full = ["capture", "full", "--time-limit", "3s", "-o", "full.pcap"];
        self.add("capture", json(&["capture", "udp", "-o", "a.pcap"]).json());
        let past = json(&["history", "--since", "3m", "-o", "past.pcap"]);
        self.add("history", past.json());
        let watched = crate::watch::program::first(folder.path(), &["udp", "--output", "ndjson"]);
        self.add("watch", parsed(&watched.1));
        self.add("capture full", json(&[&full[..], &bucket].concat()).json());
        self.add(
            "bucket prove",
            json(&["bucket", "prove", "gs://captures"]).json(),
        );
        let dry = json(&["capture", "udp", "-o", "a.pcap", "--dry-run"]);
        self.add("dry-run", dry.json());
        let failed = json(&["show", ID]);
        assert_eq!(failed.code, Some(4), "{}", failed.text());
        self.add("error", parsed(&failed.stderr));
        let refused = json(&["show", "no id"]);
        self.add("error", parsed(&refused.stderr));
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn every_result_is_as_its_schema_says() {
    let mut results = Results::default();
    results.of_the_service().await;
    results.of_setting_up().await;
    results.of_files();
    results.of_a_simulator();
    let answer = "{\"columns\":[\"a\",\"b\"]}\n[1,null]\n[\"x\",[2]]\n{\"end\":2}\n";
    let asked = crate::query::Fake::answering(answer).run(&["SELECT 1", "--json"]);
    results.add("query", asked.json());

    let far = crate::collect::programs::Far::start();
    results.add("sim", far.sim.document().clone());
    let sample = far.run(&["start", "sample", "--json"]).json();
    let download = [
        "download",
        sample["id"].as_str().unwrap(),
        "-o",
        "a.pcap",
        "--json",
    ];
    results.add("download", far.run(&download).json());
    let id = far.capture();
    let fetch = ["fetch", &id, "-o", "full.pcap", "--json"];
    let fetched = far.run(&fetch);
    // Beside the document there is what people read of the progress.
    assert!(
        fetched.stderr.contains(" files: 100%, "),
        "{}",
        fetched.text()
    );
    results.add("fetch", fetched.json());
    results.add(
        "fetch",
        far.run(&["fetch", &id, "--split", "apart", "--json"])
            .json(),
    );
    far.tear(&id);
    let torn = far.run(&[&fetch[..], &["--settle", "0s"]].concat());
    assert_eq!(torn.code, Some(8), "{}", torn.text());
    results.add("fetch", parsed(&torn.stdout));

    let schemas = run(pcaps().arg("schema")).json();
    let schemas = schemas.as_object().unwrap();
    let names: Vec<_> = schemas.keys().collect();
    assert_eq!(
        results.0.keys().collect::<Vec<_>>(),
        names,
        "a result that nobody looked at"
    );
    for (name, documents) in &results.0 {
        let schema = &schemas[*name];
        jsonschema::meta::validate(schema).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut closed = schema.clone();
        close(&mut closed);
        for document in documents {
            let is_odd = document.to_string().contains("\"type\":\"partial\"");
            let schema = if is_odd { schema } else { &closed };
            let errors: Vec<_> = jsonschema::validator_for(schema)
                .unwrap()
                .iter_errors(document)
                .map(|error| format!("{error} at {}", error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{name}: {errors:#?}\n{document:#}");
        }
        let alone = run(pcaps().arg("schema").args(name.split(' '))).ok();
        assert_eq!(parsed(&alone.stdout), schemas[*name]);
    }
}

/// Whether a schema says nothing: it is there for what this version does not know.
fn is_anything(schema: &Value) -> bool {
    let fields = schema.as_object().into_iter().flatten();
    fields.into_iter().all(|(name, _)| name == "description")
}

/// Lets objects have only the fields that are described, wherever a schema does not say otherwise: a field that is printed
/// and not described fails. (Those of the service may have more: nothing that it adds is lost.) What is not known to this
/// version is no way out.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            for alternatives in ["anyOf", "oneOf"] {
                if let Some(Value::Array(members)) = fields.get_mut(alternatives) {
                    members.retain(|it| !is_anything(it));
                }
            }
            if fields.contains_key("properties") && !fields.contains_key("additionalProperties") {
                fields.insert("unevaluatedProperties".to_owned(), false.into());
            }
            fields.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

#[test]
fn schemas_are_documented() {
    let schema = run(pcaps().args(["schema", "bucket", "list"])).ok().stdout;
    filtered(|| insta::assert_snapshot!("schema_bucket_list", schema));
    let schema = run(pcaps().args(["schema", "error", "--output", "yaml"]))
        .ok()
        .stdout;
    filtered(|| insta::assert_snapshot!("schema_error_yaml", schema));
}
