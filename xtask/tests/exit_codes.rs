//! `cargo xtask generate` as a script sees it.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn generate(root: &Path, arguments: &[&str]) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["generate", "--root"])
        .arg(root)
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn stale_is_not_broken() {
    let root = tempfile::tempdir().unwrap();
    let spec = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec");
    fs::create_dir(root.path().join("spec")).unwrap();
    for file in ["upstream.json", "overlay.yaml"] {
        fs::copy(spec.join(file), root.path().join("spec").join(file)).unwrap();
    }

    let (code, stdout, _) = generate(root.path(), &["--check"]);
    assert_eq!(code, 4, "{stdout}");
    assert!(
        stdout.ends_with("mend it with: cargo xtask generate\n"),
        "{stdout}"
    );
    assert!(
        !root.path().join("crates").exists(),
        "a check must write nothing"
    );

    assert_eq!(generate(root.path(), &[]).0, 0);
    let (code, stdout, _) = generate(root.path(), &["--check"]);
    assert_eq!((code, stdout.as_str()), (0, "up to date\n"));

    fs::write(root.path().join("spec/overlay.yaml"), "overlay: [").unwrap();
    let before = fs::read_to_string(root.path().join("spec/pcaps.json")).unwrap();
    let (code, _, stderr) = generate(root.path(), &[]);
    assert_eq!(code, 1);
    assert!(
        stderr.starts_with("error: cannot read the overlay"),
        "{stderr}"
    );
    assert_eq!(
        fs::read_to_string(root.path().join("spec/pcaps.json")).unwrap(),
        before
    );

    fs::remove_file(root.path().join("spec/upstream.json")).unwrap();
    let (code, _, stderr) = generate(root.path(), &["--check"]);
    assert_eq!(code, 1);
    assert!(
        stderr.contains("cannot read spec/upstream.json"),
        "{stderr}"
    );
}
