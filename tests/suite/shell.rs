//! What a shell and `man` get.

use std::{fs, process::Command};

use pcaps_sim::{Buckets, Simulator};

use crate::support::{Run, filtered, pcaps, pcaps_of, run};

/// What bash offers at the end of a line, by the script that it gets from the program, which is called as it would be.
#[cfg(target_os = "linux")]
fn offered(program: &Command, line: &[&str]) -> (Vec<String>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pcaps");
    std::os::unix::fs::symlink(program.get_program(), path).unwrap();
    fs::write(folder.path().join("it is here.pcap"), "").unwrap();
    let script = r#"
        source <(pcaps completions bash)
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_TYPE=9
        function=$(complete -p pcaps); function=${function##*-F }; function=${function%% *}
        "$function" pcaps "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut bash = Command::new("bash");
    bash.env_clear()
        .envs(
            program
                .get_envs()
                .filter_map(|(key, value)| Some((key, value?))),
        )
        .env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()))
        .current_dir(folder.path())
        .args(["--norc", "--noprofile", "-c", script, "bash"])
        .args(line);
    let run = run(&mut bash).ok();
    let lines = run.stdout.lines().filter(|it| !it.is_empty());
    (lines.map(str::to_owned).collect(), run.stderr)
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn bash_completes_commands_options_files_and_ids() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::builder()
        .unlimited(true)
        .buckets(Buckets::folder(folder.path()).unwrap());
    let simulator = simulator.start().await.unwrap();
    let program = pcaps_of(&simulator);
    let offered = |line: &[&str]| {
        let (offered, said) = offered(&program, line);
        assert_eq!(said, "", "{line:?}");
        offered
    };
    assert_eq!(offered(&["pcaps", "bu"]), ["bucket"]);
    assert_eq!(offered(&["pcaps", "bucket", "pr"]), ["prove"]);
    assert_eq!(offered(&["pcaps", "capture", "--pack"]), ["--packets"]);
    assert_eq!(offered(&["pcaps", "completions", "po"]), ["powershell"]);
    assert!(
        offered(&["pcaps", "stats", "it"])
            .concat()
            .contains("it is here.pcap")
    );

    // Captures and buckets as the service has them, each where it can be used.
    let started = |arguments: &[&str]| {
        let json = run(pcaps_of(&simulator).args(arguments).arg("--json")).json();
        json["id"].as_str().unwrap().to_owned()
    };
    let sample = started(&["start", "sample", "--packets", "1"]);
    let map = folder.path().join("gs/b");
    fs::create_dir_all(&map).unwrap();
    let map = format!("gs://b={}", map.display());
    let bucket = started(&["bucket", "prove", "gs://b", "--bucket-map", &map]);
    let full = started(&["start", "full", "--colo", "ORD", "--bucket", "gs://b"]);
    let mut both = [sample.clone(), full.clone()];
    both.sort();
    for command in ["show", "wait"] {
        let mut offered = offered(&["pcaps", command, ""]);
        offered.retain(|it| !it.starts_with('-'));
        offered.sort();
        assert_eq!(offered, both, "{command}");
    }
    assert_eq!(
        offered(&["pcaps", "download", &sample[..4]]),
        [sample.as_str()]
    );
    assert!(offered(&["pcaps", "download", &full[..4]]).is_empty());
    assert_eq!(offered(&["pcaps", "stop", &full[..4]]), [full]);
    assert_eq!(
        offered(&["pcaps", "bucket", "remove", &bucket[..4]]),
        [bucket]
    );
    assert_eq!(offered(&["pcaps", "start", "full", "--colo", ""]), ["ORD"]);

    // By what has been typed already.
    let second = simulator.add_account().unwrap();
    assert!(offered(&["pcaps", "show", "--account", &second.id, &sample[..4]]).is_empty());
    assert!(
        offered(&[
            "pcaps",
            "show",
            &format!("--account={}", second.id),
            &sample[..4]
        ])
        .is_empty()
    );
}

#[cfg(target_os = "linux")]
#[test]
fn who_has_no_credentials_is_not_told_of_it() {
    let (ids, said) = offered(&pcaps(), &["pcaps", "download", ""]);
    assert!(ids.iter().all(|it| it.starts_with('-')), "{ids:?}");
    assert_eq!(said, "");
    // Nor who has a file that is wrong.
    let mut program = pcaps();
    program.env("PCAPS_CONFIG", "missing.toml");
    let (profiles, said) = offered(&program, &["pcaps", "list", "--profile", ""]);
    assert_eq!((profiles, said.as_str()), (Vec::new(), ""));
}

#[test]
fn every_shell_has_a_script_that_asks_the_program() {
    for shell in ["bash", "fish", "powershell", "zsh"] {
        let script = run(pcaps().args(["completions", shell])).ok();
        assert!(
            script.stdout.contains("_PCAPS_COMPLETE") && script.stderr.is_empty(),
            "{shell}"
        );
    }
    let other = run(pcaps().args(["completions", "csh"]));
    assert_eq!(other.code, Some(2), "{}", other.text());
    assert!(
        other.stderr.contains("bash, fish, powershell, zsh"),
        "{}",
        other.text()
    );
}

/// The commands that a help lists, and those below them.
fn commands(path: &[String]) -> Vec<Vec<String>> {
    let help: Run = run(pcaps().args(path).arg("--help")).ok();
    let mut found = vec![path.to_vec()];
    let is_name = |it: &str| it.bytes().all(|it| it.is_ascii_lowercase());
    let usage = help.stdout.lines().find(|it| it.starts_with("Usage:"));
    if !usage.is_some_and(|it| it.contains("<COMMAND>")) {
        return found;
    }
    let lines = help.stdout.lines().skip_while(|it| !it.ends_with(':'));
    for line in lines.take_while(|it| !it.starts_with("Options")) {
        let name = line.trim_start().split(' ').next().unwrap_or_default();
        if line.starts_with("  ") && !line.starts_with("   ") && is_name(name) && name != "help" {
            found.extend(commands(&[path, &[name.to_owned()]].concat()));
        }
    }
    found
}

#[test]
fn every_command_has_a_page() {
    let folder = tempfile::tempdir().unwrap();
    run(pcaps()
        .args(["man", "--dir"])
        .arg(folder.path().join("man1")))
    .ok();
    let all = commands(&[]);
    assert!(all.len() > 25, "{all:?}");
    for path in &all {
        let name = [&["pcaps".to_owned()], &path[..]].concat().join("-");
        let file = fs::read_to_string(folder.path().join(format!("man1/{name}.1"))).unwrap();
        let page = run(pcaps().arg("man").args(path)).ok();
        assert_eq!(page.stdout, file);
        assert!(
            file.is_ascii() && file.contains(".SH SYNOPSIS") && file.contains(".SH EXAMPLES"),
            "{name}"
        );
    }
    // `capture full` is listed as an alternative of `capture`'s own arguments.
    let pages = fs::read_dir(folder.path().join("man1")).unwrap().count();
    assert!(pages >= all.len(), "{pages}");
    filtered(|| {
        let page = run(pcaps().args(["man", "show"])).ok();
        insta::assert_snapshot!("man_show", page.stdout);
        let none = run(pcaps().args(["man", "bucket", "pove"]));
        assert_eq!(none.code, Some(2));
        insta::assert_snapshot!("man_of_nothing", none.text());
    });
}
