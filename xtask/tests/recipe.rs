//! The recipe in CONTRIBUTING.md, from a file that the vendor published to a change that can be reviewed, as a reviewer
//! sees it: the transcripts are the snapshots.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use xtask::bench::published::published;

/// A copy of this workspace, in a repository of its own, and what was done to it.
struct Workspace {
    folder: tempfile::TempDir,
    transcript: String,
}

impl Workspace {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for name in [
            "Cargo.toml",
            "Cargo.lock",
            "crates",
            "spec",
            "tests",
            "xtask",
        ] {
            copy(&root.join(name), &folder.path().join(name));
        }
        let workspace = Self {
            folder,
            transcript: String::new(),
        };
        workspace.git(&["init", "--quiet"]);
        workspace.git(&["add", "."]);
        workspace.git(&["commit", "--quiet", "--message", "As it was"]);
        workspace
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .current_dir(self.folder.path())
            .args([
                "-c",
                "user.name=A",
                "-c",
                "user.email=a@example.com",
                "-c",
                "core.autocrlf=false",
            ])
            .args(arguments)
            .output()
            .expect("git is needed to run this test");
        let text = |bytes| String::from_utf8(bytes).unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            text(output.stderr)
        );
        text(output.stdout)
    }

    /// Runs a command of the recipe, and writes down what a person would see.
    fn run(&mut self, command: &str) {
        let arguments = command.strip_prefix("cargo xtask ").unwrap().split(' ');
        let arguments: Vec<_> = arguments.collect();
        let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
        xtask
            .current_dir(self.folder.path())
            .args(&arguments)
            .args(["--root", "."]);
        if arguments[0] == "import" {
            xtask.args(["--date", "2026-11-30"]);
        }
        let output = xtask.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        writeln!(
            self.transcript,
            "$ {command}\n{}{}exit {}\n",
            text(output.stdout),
            text(output.stderr),
            output.status.code().unwrap()
        )
        .unwrap();
    }

    /// What the reviewer does by hand.
    fn edit(&mut self, file: &str, from: &str, to: &str) {
        let before = fs::read_to_string(self.path(file)).unwrap();
        assert!(
            before.contains(from),
            "{file} has no {from:?}: the test is out of date"
        );
        fs::write(self.path(file), before.replacen(from, to, 1)).unwrap();
        let edited = format!("(edit {file})\n\n");
        if !self.transcript.ends_with(&edited) {
            self.transcript.push_str(&edited);
        }
    }

    /// The vendor publishes a changed description.
    fn publish(&self, name: &str, change: impl FnOnce(&mut Value)) {
        fs::write(self.path(name), self.published(change).to_string()).unwrap();
    }

    fn published(&self, change: impl FnOnce(&mut Value)) -> Value {
        let slice = fs::read_to_string(self.path("spec/upstream.json")).unwrap();
        let mut document = published(&serde_json::from_str(&slice).unwrap(), 20);
        change(&mut document);
        document
    }

    fn assert_transcript(&self, name: &str) {
        // Where in a file something stands, and how many lines it takes, is not what this is about.
        let filters = vec![
            (r"\.rs:\d+ needs", ".rs:[line] needs"),
            (r"\(-\d+ \+\d+ lines\)", "(-[n] +[n] lines)"),
        ];
        insta::with_settings!({ filters => filters }, {
            insta::assert_snapshot!(name, self.transcript);
        });
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            // Not a workspace of its own, with all that fuzzing leaves behind.
            if name != "fuzz" {
                copy(&from.join(&name), &to.join(&name));
            }
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}

/// The commands of the recipe in CONTRIBUTING.md, in order.
fn recipe() -> Vec<String> {
    let text = include_str!("../../CONTRIBUTING.md");
    let from = text.find("## The vendor published").unwrap();
    let to = from + text[from..].find("## A correction").unwrap();
    let code = text[from..to].split('`').skip(1).step_by(2);
    let commands: Vec<_> = code
        .filter(|it| it.starts_with("cargo xtask "))
        .map(str::to_owned)
        .collect();
    assert!(commands.len() >= 6, "{commands:?}");
    commands
}

fn schema<'a>(document: &'a mut Value, name: &str) -> &'a mut Value {
    let schema = &mut document["components"]["schemas"][format!("magic-pcap-collection_{name}")];
    assert!(
        schema.is_object(),
        "{name} is not there: the test is out of date"
    );
    schema
}

fn remove(value: &mut Value, key: &str) {
    value.as_object_mut().unwrap().remove(key).unwrap();
}

/// A field, a value of an enum and an operation are added.
fn compatible(document: &mut Value) {
    schema(document, "pcaps_response_full")["properties"]["bytes_captured"] =
        json!({ "type": "integer", "description": "Prose." });
    let statuses = &mut schema(document, "pcaps_status")["enum"];
    statuses.as_array_mut().unwrap().push("expired".into());
    let list = document["paths"]["/accounts/{account_id}/pcaps"]["get"].clone();
    let mut operation = list.clone();
    operation["operationId"] = "magic-pcap-collection-get-quota".into();
    operation["responses"]["200"]["content"]["application/json"]["schema"] = json!({ "allOf": [
        { "$ref": "#/components/schemas/magic-pcap-collection_api-response-single" },
        { "type": "object", "properties": { "result": { "$ref": "#/components/schemas/magic-pcap-collection_quota" } } },
    ] });
    document["components"]["schemas"]["magic-pcap-collection_quota"] = json!({
        "type": "object", "x-auditable": true,
        "properties": { "captures": { "type": "integer" }, "resets": { "type": "string", "format": "date-time" } },
    });
    document["paths"]["/accounts/{account_id}/pcaps/quota"] = json!({
        "parameters": [{ "$ref": "#/components/parameters/account_id" }], "get": operation,
    });
}

/// Fields and an operation are taken away, a range becomes narrower.
fn breaking(document: &mut Value) {
    remove(
        &mut schema(document, "pcaps_ownership_response")["properties"],
        "filename",
    );
    schema(document, "pcaps_ownership_response")["required"] =
        json!(["id", "status", "submitted", "destination_conf"]);
    remove(
        &mut schema(document, "pcaps_response_full")["properties"],
        "packets_captured",
    );
    schema(document, "pcaps_time_limit_simple")["maximum"] = 60.into();
    remove(
        &mut document["paths"],
        "/accounts/{account_id}/pcaps/{pcap_id}/stop",
    );
}

#[test]
fn a_compatible_change_flows_through() {
    let mut workspace = Workspace::new();
    workspace.publish("openapi.json", |document| {
        compatible(document);
        // What is sent is made by hand, with all of its fields: this one wants an edit before everything compiles.
        schema(document, "pcaps_request_full")["properties"]["sampling"] =
            json!({ "type": "number", "minimum": 0, "maximum": 1 });
    });
    for command in recipe() {
        workspace.run(&command);
    }
    // The same file once more.
    workspace.run("cargo xtask import openapi.json");
    workspace.assert_transcript("compatible");
    let types =
        fs::read_to_string(workspace.path("crates/pcaps-api/src/generated/types.rs")).unwrap();
    assert!(types.contains("    pub bytes_captured: ::std::option::Option<i64>,\n"));
    let client =
        fs::read_to_string(workspace.path("crates/pcaps-api/src/generated/client.rs")).unwrap();
    assert!(client.contains("    pub async fn get_pcaps_quota<'a>("));
}

#[test]
fn a_breaking_change_names_what_needs_what_is_gone() {
    let mut workspace = Workspace::new();
    workspace.publish("openapi.json", breaking);
    workspace.run("cargo xtask import openapi.json");
    workspace.run("cargo xtask generate");
    let stop = "  - target: $.paths['/accounts/{account_id}/pcaps/{pcap_id}/stop'].put\n    description: \"Name and document: stop.\"\n    update:\n      operationId: stop_capture\n      summary: Stop a full capture before its limits end it.\n      description: What was captured so far is converted and written to the bucket. Simple captures cannot be stopped.\n";
    workspace.edit("spec/overlay.yaml", stop, "");
    let captured = "  - target: $.components.schemas['magic-pcap-collection_pcaps_packets_captured']\n    description: \"Name and document.\"\n    update: { x-name: PacketsCaptured, description: Packets captured so far. }\n";
    workspace.edit("spec/overlay.yaml", captured, "");
    let filename = "        filename: { description: 'The name of the challenge file, relative to the bucket''s directory.' }\n";
    workspace.edit("spec/overlay.yaml", filename, "");
    workspace.run("cargo xtask generate");
    workspace.edit(
        "crates/pcaps/src/account.rs",
        "            let answer = call.api.stop_capture(account, id).await;\n",
        "",
    );
    let probe = "            let answer = call.api.stop_capture(id, nobody).await;\n";
    workspace.edit("crates/pcaps/src/probe.rs", probe, "");
    workspace.edit(
        "crates/pcaps-sim/src/ownership.rs",
        "            filename: Some(self.filename.clone()),\n",
        "",
    );
    let captured = "            packets_captured: Some(i64::try_from(progress.captured).unwrap_or(i64::MAX)),\n";
    workspace.edit("crates/pcaps-sim/src/capture/full.rs", captured, "");
    for line in [
        "        packets_captured,\n",
        "        filename,\n",
        "                    filename: hostile(),\n",
    ] {
        workspace.edit("crates/pcaps-sim/src/page/view.rs", line, "");
    }
    workspace.run("cargo xtask generate");
    workspace.run("cargo xtask diff");
    workspace.run("cargo xtask diff --format json");
    workspace.assert_transcript("breaking");
}

#[test]
fn a_malformed_file_changes_nothing() {
    let mut workspace = Workspace::new();
    workspace.publish("dangling.json", |document| {
        remove(
            &mut document["components"]["schemas"],
            "magic-pcap-collection_pcaps_filter_v1",
        );
    });
    workspace.run("cargo xtask import dangling.json");
    fs::write(workspace.path("openapi.json"), "{}").unwrap();
    let whole = serde_saphyr::to_string(&workspace.published(|_| {})).unwrap();
    let cut = whole.find("magic-pcap-collection_pcaps_status:").unwrap() + 20;
    fs::write(workspace.path("truncated.yaml"), &whole[..cut]).unwrap();
    workspace.run("cargo xtask import truncated.yaml");
    workspace.publish("newer.json", |document| {
        document["openapi"] = "3.1.0".into();
    });
    workspace.run("cargo xtask import newer.json");
    workspace.publish("other.json", |document| {
        let paths = document["paths"].as_object_mut().unwrap();
        paths.retain(|path, _| !path.contains("/pcaps"));
    });
    workspace.run("cargo xtask import other.json");
    workspace.run("cargo xtask generate --check");
    workspace.run("cargo xtask diff");
    workspace.run("cargo xtask diff --from HEAD --to HEAD");
    workspace.run("cargo xtask diff --from no-such-revision");
    workspace.run("cargo xtask diff --to dangling.yaml");
    workspace.run("cargo xtask diff --to openapi.json");
    workspace.assert_transcript("malformed");
    assert_eq!(
        workspace.git(&["status", "--porcelain", "spec", "crates"]),
        ""
    );
}

#[test]
#[ignore = "checks a whole workspace with cargo, which takes a minute or two: .ci/run does it"]
fn after_a_compatible_change_everything_still_compiles() {
    let mut workspace = Workspace::new();
    workspace.publish("openapi.json", compatible);
    workspace.run("cargo xtask import openapi.json");
    workspace.run("cargo xtask generate");
    // What has been compiled for this workspace need not be again.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("..");
    let output = Command::new(env!("CARGO"))
        .current_dir(workspace.folder.path())
        .env("CARGO_TARGET_DIR", target)
        .args([
            "check",
            "--quiet",
            "--offline",
            "--workspace",
            "--lib",
            "--bins",
        ])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
