//! `cargo xtask import`, as a script and as a reader of `spec/upstream.json` see it.

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};
use xtask::bench::published::published;

const ODD: &str = include_str!("data/odd.yaml");

/// A workspace with nothing but the packet captures' slice, and a file to import.
struct Workspace(tempfile::TempDir);

impl Workspace {
    fn new() -> Self {
        let workspace = Self(tempfile::tempdir().unwrap());
        let spec = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec");
        fs::create_dir(workspace.path("spec")).unwrap();
        for file in ["spec/upstream.json", "spec/provenance.toml"] {
            fs::copy(spec.join("..").join(file), workspace.path(file)).unwrap();
        }
        workspace
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Imports a text: exit code, standard output, standard error.
    fn import(&self, name: &str, text: impl AsRef<[u8]>) -> (i32, String, String) {
        fs::write(self.path(name), text).unwrap();
        self.import_file(name)
    }

    fn import_file(&self, name: &str) -> (i32, String, String) {
        let Output {
            status,
            stdout,
            stderr,
        } = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .current_dir(self.0.path())
            .args(["import", name, "--date", "2026-11-30", "--root", "."])
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    }
}

fn upstream() -> Value {
    serde_json::from_str(&Workspace::new().read("spec/upstream.json")).unwrap()
}

#[test]
fn what_is_checked_in_is_what_an_import_makes() {
    let whole = published(&upstream(), 30);
    let workspace = Workspace::new();
    let before = workspace.read("spec/upstream.json");
    for (name, text) in [
        ("openapi.json", whole.to_string()),
        ("openapi.yaml", serde_saphyr::to_string(&whole).unwrap()),
    ] {
        let (code, stdout, stderr) = workspace.import(name, &text);
        assert_eq!((code, stderr.as_str()), (0, ""));
        assert_eq!(
            stdout,
            format!(
                "{name}: 7 of 37 paths, 9 operations, 37 schemas\n\
                 wrote spec/provenance.toml\n\
                 next: cargo xtask generate\n"
            )
        );
        assert!(workspace.read("spec/upstream.json") == before, "{name}");
        let provenance = workspace.read("spec/provenance.toml");
        assert!(
            provenance.contains(&format!("source = \"{name}\"\n")),
            "{provenance}"
        );
        assert!(
            provenance.contains("date = \"2026-11-30\"\n"),
            "{provenance}"
        );
        // Once more, on another day: nothing changes.
        fs::write(
            workspace.path("spec/provenance.toml"),
            provenance.replace("2026-11-30", "2026-11-29"),
        )
        .unwrap();
        let (code, stdout, _) = workspace.import(name, &text);
        assert_eq!(code, 0);
        assert!(stdout.ends_with(" schemas\nup to date\n"), "{stdout}");
        assert!(
            workspace
                .read("spec/provenance.toml")
                .contains("2026-11-29")
        );
    }
}

#[test]
fn what_such_files_hold_is_coped_with() {
    let workspace = Workspace::new();
    let (code, stdout, stderr) = workspace.import("odd.yaml", ODD);
    assert_eq!((code, stderr.as_str()), (0, ""));
    insta::assert_snapshot!("odd_report", stdout);
    let slice = workspace.read("spec/upstream.json");
    assert!(!slice.contains("Prose") && !slice.contains("example.com/logo"));
    insta::assert_snapshot!("odd_slice", slice);
    // A slice is a description: it gives itself.
    let (_, stdout, _) = workspace.import("again.json", &slice);
    assert!(!stdout.contains("wrote spec/upstream.json"), "{stdout}");
    assert_eq!(workspace.read("spec/upstream.json"), slice);
}

/// A description in which references multiply: forty of them, each to two of the next.
fn laughing(whole: &str) -> String {
    let laughs: serde_json::Map<_, _> = (0..40)
        .map(|level| {
            let next =
                json!({ "$ref": format!("#/components/schemas/laughs/properties/{}", level + 1) });
            (
                level.to_string(),
                json!({ "properties": { "a": next, "b": next } }),
            )
        })
        .chain([("40".to_owned(), json!({}))])
        .collect();
    let mut laughing: Value = serde_json::from_str(whole).unwrap();
    laughing["components"]["schemas"]["laughs"] = json!({ "properties": laughs });
    laughing["paths"]["/accounts/{account_id}/pcaps"]["get"]["responses"]["200"]["content"]["application/json"]
        ["schema"] = json!({ "$ref": "#/components/schemas/laughs/properties/10" });
    laughing.to_string()
}

/// A description in which four references lead to lists of lists, thirty deep each.
fn deep(whole: &str) -> String {
    let mut document: Value = serde_json::from_str(whole).unwrap();
    let mut properties = serde_json::Map::new();
    for level in 0..4 {
        let next =
            json!({ "$ref": format!("#/components/schemas/deep/properties/p{}", level + 1) });
        let list = (0..30).fold(next, |it, _| json!({ "type": "array", "items": it }));
        properties.insert(format!("p{level}"), list);
    }
    properties.insert("p4".to_owned(), json!({}));
    document["components"]["schemas"]["deep"] = json!({ "properties": properties });
    document["paths"]["/accounts/{account_id}/pcaps"]["get"]["responses"]["200"]["content"]["application/json"]
        ["schema"] = json!({ "$ref": "#/components/schemas/deep/properties/p0" });
    document.to_string()
}

/// Files that cannot be imported, by what is wrong with them.
fn refused() -> Vec<(&'static str, String)> {
    let odd = |from: &str, to: &str| {
        assert!(ODD.contains(from), "{from}");
        ODD.replacen(from, to, 1)
    };
    let whole = published(&upstream(), 3).to_string();
    vec![
        (
            "no paths of ours",
            odd("/pcaps", "/other").replace("/pcaps", "/other"),
        ),
        ("no paths at all", odd("paths:\n", "x-none:\n")),
        (
            "dangling",
            odd(
                "#/components/responses/failed'",
                "#/components/responses/fled'",
            ),
        ),
        (
            "dangling in a schema",
            odd(
                "items: { $ref: '#/components/schemas/node' }",
                "items: { $ref: '#/components/schemas/knot' }",
            ),
        ),
        ("dangling mapping", odd("third: third", "third: thirst")),
        (
            "mapping to a part",
            odd(
                "third: third",
                "third: '#/components/schemas/left/properties/side'",
            ),
        ),
        (
            "a security scheme that is not there",
            odd("api-token: []", "token: []"),
        ),
        ("another file", odd("#/x-paths/tree", "paths/tree.yaml")),
        (
            "round in a circle",
            odd(
                "#/x-paths/tree",
                "#/paths/~1accounts~1{account_id}~1pcaps~1{id}~1tree",
            ),
        ),
        ("multiplying", laughing(&whole)),
        ("nested without end", deep(&whole)),
        (
            "parameters that are no list",
            odd(
                "    parameters:\n      - { $ref: '#/components/parameters/account' }\n      - {",
                "    parameters: {",
            ),
        ),
        (
            "servers of its own",
            odd(
                "      operationId: list-them\n",
                "      servers: [{ url: 'https://other.example.com' }]\n",
            ),
        ),
        (
            "a name that is none",
            odd(
                "'#/components/schemas/failure'",
                "'#/components/schemas/fail ure'",
            )
            .replace("    failure:", "    'fail ure':"),
        ),
        ("3.1", odd("openapi: 3.0.3", "openapi: 3.1.0")),
        ("2.0", odd("openapi: 3.0.3", "swagger: '2.0'")),
        ("not a description", "just: yaml\n".to_owned()),
        ("text", "<html>It is maintenance time</html>\n".to_owned()),
        (
            "not a schema",
            odd(
                "type: object\n      title: Prose.",
                "type: [object, 'null']",
            ),
        ),
        ("one key twice", odd("title: Prose.", "type: string")),
        (
            "not an operation",
            odd(
                "      responses:\n        200:",
                "      answers:\n        200:",
            ),
        ),
    ]
}

/// Files that were cut off.
fn truncated() -> Vec<(&'static str, String)> {
    let whole = published(&upstream(), 3).to_string();
    vec![
        ("truncated JSON", whole[..whole.len() / 2].to_owned()),
        (
            "truncated YAML",
            ODD[..ODD.find("securitySchemes").unwrap() - 30].to_owned(),
        ),
        ("truncated in a line", ODD.trim_end().to_owned()),
        (
            "truncated in a structure",
            ODD[..ODD.rfind("[{ $ref").unwrap()].to_owned(),
        ),
        ("empty", String::new()),
    ]
}

#[test]
fn what_cannot_be_imported_is_refused_with_its_place_and_nothing_is_written() {
    let cases = [refused(), truncated()].concat();
    let workspace = Workspace::new();
    let state = || ["spec/upstream.json", "spec/provenance.toml"].map(|it| workspace.read(it));
    let before = state();
    let mut said = String::new();
    for (name, text) in cases {
        let (code, stdout, stderr) = workspace.import("openapi", &text);
        assert_eq!((code, stdout.as_str()), (1, ""), "{name}: {stderr}");
        assert!(state() == before, "{name}: something was written");
        writeln!(said, "{name}:\n  {}", stderr.trim_end()).unwrap();
    }
    insta::assert_snapshot!("refused", said);
}

#[test]
fn a_file_of_200_mb_is_refused_unread() {
    let workspace = Workspace::new();
    let file = fs::File::create(workspace.path("large")).unwrap();
    file.set_len(200_000_000).unwrap();
    let (code, _, stderr) = workspace.import_file("large");
    assert_eq!(code, 1);
    assert_eq!(
        stderr,
        "error: cannot read large: it is larger than 64 MiB, which no description of this API is\n"
    );
    let (code, _, stderr) = workspace.import_file("absent");
    assert_eq!(code, 1);
    assert!(
        stderr.starts_with("error: cannot read absent: No such file"),
        "{stderr}"
    );
}

#[test]
fn the_line_endings_of_a_checkout_are_no_difference() {
    let workspace = Workspace::new();
    let whole = published(&upstream(), 3).to_string();
    workspace.import("openapi.json", &whole);
    for file in ["spec/upstream.json", "spec/provenance.toml"] {
        let text = workspace.read(file).replace('\n', "\r\n");
        fs::write(workspace.path(file), text).unwrap();
    }
    let (code, stdout, _) = workspace.import("openapi.json", &whole);
    assert_eq!(code, 0);
    assert!(stdout.ends_with("up to date\n"), "{stdout}");
}

#[test]
fn both_files_are_written_or_none() {
    let workspace = Workspace::new();
    fs::remove_file(workspace.path("spec/provenance.toml")).unwrap();
    fs::create_dir(workspace.path("spec/provenance.toml")).unwrap();
    let before = workspace.read("spec/upstream.json");
    let (code, stdout, stderr) = workspace.import("odd.yaml", ODD);
    assert_eq!(code, 1, "{stdout}");
    assert!(stderr.contains("cannot read"), "{stderr}");
    assert!(workspace.read("spec/upstream.json") == before);
}
