//! The second API's generated files are what lowering and emitting make of its description. They are compiled and put to
//! use in `tests/second_api/`; here, so that they can be written when what is there does not compile.

use std::{env, path::Path};

use xtask::{
    effective::effective,
    emit::emit,
    lower::lower,
    output::{File, Mode, Outcome, sync},
};

#[test]
fn generated_files_are_up_to_date() {
    let published = include_str!("../../tests/second_api/library.json");
    let overlay = include_str!("../../tests/second_api/overlay.yaml");
    let description = effective(published, overlay).unwrap();
    let modules = emit(&description, &lower(&description).unwrap()).unwrap();
    let folder = Path::new("tests/second_api/generated");
    let files: Vec<_> = modules
        .into_iter()
        .map(|(name, text)| File {
            path: folder.join(name),
            text: text.replacen(
                "`cargo xtask generate` from spec/pcaps.json",
                "`cargo test -p xtask --test second_api` from tests/second_api/library.json",
                1,
            ),
        })
        .collect();
    // As snapshots are accepted.
    let accept = env::var("INSTA_UPDATE").is_ok_and(|it| it == "always");
    let mode = if accept { Mode::Write } else { Mode::Check };
    let mut report = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let outcome = sync(&root, Some(folder), &files, mode, &mut report).unwrap();
    assert!(
        outcome != Outcome::Stale,
        "{}mend it with: INSTA_UPDATE=always cargo test -p xtask --test second_api",
        String::from_utf8_lossy(&report)
    );
}
