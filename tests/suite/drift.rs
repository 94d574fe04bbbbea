//! The drift test: what is checked in is what `cargo xtask generate` makes, and a change of any of the sources or of
//! what is made from them is noticed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use xtask::{
    generate,
    output::{Mode, Outcome},
};

use crate::support::root;

fn check(root: &Path) -> (Outcome, String) {
    let mut report = Vec::new();
    let outcome = generate::run(root, Mode::Check, &mut report).unwrap();
    (outcome, String::from_utf8(report).unwrap())
}

#[test]
fn generated_files_are_up_to_date() {
    let (outcome, report) = check(&root());
    assert_eq!(outcome, Outcome::UpToDate, "{report}");
}

/// A copy of everything that generating reads and writes.
fn copy() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    let generated = fs::read_dir(root().join(generate::GENERATED)).unwrap();
    let generated =
        generated.map(|entry| Path::new(generate::GENERATED).join(entry.unwrap().file_name()));
    let sources = ["spec/upstream.json", "spec/overlay.yaml", "spec/pcaps.json"].map(PathBuf::from);
    for file in generated.chain(sources) {
        let to = copy.path().join(&file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(root().join(&file), to).unwrap();
    }
    assert_eq!(check(copy.path()).0, Outcome::UpToDate);
    copy
}

/// Replaces `from` in a file of the copy, and gives what the check says of it.
fn after(file: &str, from: &str, to: &str) -> String {
    let copy = copy();
    let path = copy.path().join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.contains(from),
        "{file} has no {from:?}: the test is out of date"
    );
    fs::write(&path, text.replacen(from, to, 1)).unwrap();
    let (outcome, report) = check(copy.path());
    assert_eq!(outcome, Outcome::Stale, "{report}");
    assert!(
        report.ends_with("mend it with: cargo xtask generate\n"),
        "{report}"
    );
    report
}

#[test]
fn a_change_of_the_overlay_is_noticed() {
    let report = after("spec/overlay.yaml", "maximum: 255", "maximum: 254");
    assert!(
        report.contains("spec/pcaps.json is stale") && report.contains("limits.rs is stale"),
        "{report}"
    );
    assert!(
        report.contains("-    pub const PROTOCOL: std::ops::RangeInclusive<i64> = 0..=255;"),
        "{report}"
    );
}

#[test]
fn a_change_of_generated_code_is_noticed() {
    let report = after(
        "crates/pcaps-api/src/generated/types.rs",
        "pub packet_limit: i64",
        "pub packet_limit: u64",
    );
    assert!(
        report.contains("types.rs is stale") && !report.contains("pcaps.json"),
        "{report}"
    );
}

#[test]
fn an_operation_that_the_vendor_adds_is_noticed() {
    let added = r##""/accounts/{account_id}/pcaps/quota": { "get": {
        "operationId": "magic-pcap-collection-get-quota",
        "parameters": [{"in": "path", "name": "account_id", "required": true,
            "schema": {"$ref": "#/components/schemas/magic-pcap-collection_identifier"}}],
        "responses": {
            "200": {"description": "", "content": {"application/json": {"schema":
                {"$ref": "#/components/schemas/magic-pcap-collection_pcaps_single_response"}}}},
            "default": {"description": "", "content": {"application/json": {"schema": {}}}}
        }
    } }, "/accounts/{account_id}/pcaps": {"##;
    let report = after(
        "spec/upstream.json",
        r#""/accounts/{account_id}/pcaps": {"#,
        added,
    );
    assert!(
        report.contains("+    pub async fn get_pcaps_quota"),
        "{report}"
    );
}

#[test]
fn a_file_that_does_not_belong_is_noticed() {
    let copy = copy();
    fs::write(
        copy.path().join(generate::GENERATED).join("left_over.rs"),
        "",
    )
    .unwrap();
    let (outcome, report) = check(copy.path());
    assert_eq!(outcome, Outcome::Stale);
    assert!(
        report.contains("left_over.rs is stale: it is no longer generated"),
        "{report}"
    );
}

#[test]
fn the_provenance_is_of_the_description_that_is_there() {
    let read = |name: &str| fs::read_to_string(root().join(name)).unwrap();
    let upstream = read("spec/upstream.json").replace("\r\n", "\n");
    let hash = xtask::import::sha256(upstream.as_bytes());
    assert!(
        read("spec/provenance.toml").contains(&format!("\nsha256 = \"{hash}\"\n")),
        "spec/upstream.json was changed by hand: say so in spec/provenance.toml, with its sha256, {hash}"
    );
}
