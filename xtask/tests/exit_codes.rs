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

#[test]
fn output_does_not_depend_on_where_when_or_by_whom_it_is_made() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let made = |endings: &str, environment: &[(&str, &str)]| {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("spec")).unwrap();
        for file in ["spec/upstream.json", "spec/overlay.yaml"] {
            let text = fs::read_to_string(workspace.join(file)).unwrap();
            let text = text.replace("\r\n", "\n").replace('\n', endings);
            fs::write(root.path().join(file), text).unwrap();
        }
        let status = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .current_dir(root.path())
            .args(["generate", "--root", "."])
            .envs(environment.iter().copied())
            .status()
            .unwrap();
        assert!(status.success());
        let generated = root.path().join(xtask::generate::GENERATED);
        let mut files = vec![root.path().join("spec/pcaps.json")];
        files.extend(
            fs::read_dir(generated)
                .unwrap()
                .map(|it| it.unwrap().path()),
        );
        files.sort();
        let file = |path: &std::path::PathBuf| {
            let name = path.strip_prefix(root.path()).unwrap().to_owned();
            (name, fs::read(path).unwrap())
        };
        files.iter().map(file).collect::<Vec<_>>()
    };
    let one = made("\n", &[("LC_ALL", "C"), ("TZ", "UTC")]);
    let other = made(
        "\r\n",
        &[
            ("LC_ALL", "tr_TR.UTF-8"),
            ("TZ", "Asia/Tokyo"),
            ("USER", "somebody"),
            ("SOURCE_DATE_EPOCH", "0"),
        ],
    );
    assert_eq!(one.len(), 7);
    for ((name, one), (_, other)) in one.iter().zip(&other) {
        assert!(one == other, "{} differs", name.display());
        assert!(!one.contains(&b'\r'), "{}", name.display());
    }
}
