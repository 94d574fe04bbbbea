//! Where the command line has its settings from: options, variables, profiles, defaults.

use std::{fmt::Write as _, fs, path::Path, process::Command};

use crate::support::{Canned, Run, TOKEN, filtered, nobody, pcaps, run};

const ONE: &str = "11111111111111111111111111111111";
const TWO: &str = "22222222222222222222222222222222";
const THREE: &str = "33333333333333333333333333333333";

/// The program with a token, and this configuration file in a folder.
fn with(folder: &Path, config: &str) -> Command {
    let path = folder.join("config.toml");
    fs::write(&path, config).unwrap();
    let mut command = pcaps();
    command
        .env("CLOUDFLARE_API_TOKEN", TOKEN)
        .env("PCAPS_CONFIG", path);
    command
}

/// What the only request asked for.
fn asked(canned: &Canned, run: &Run) -> String {
    let text = run.text();
    let requests = canned.requests();
    assert_eq!(requests.len(), 1, "{text}");
    requests.into_iter().next().unwrap()
}

/// Each setting, and where it is seen: an option comes before a variable, a variable before the profile, and the profile
/// before nothing at all.
#[tokio::test(flavor = "multi_thread")]
async fn an_option_a_variable_a_profile_nothing() {
    let canned = Canned::default();
    let url = canned.start().await;
    let folder = tempfile::tempdir().unwrap();
    let base = format!("[profile.default]\nbase_url = \"{url}\"\n");
    let full = ["start", "full"];
    let rest = ["--account", ONE, "--colo", "ORD", "--bucket", "gs://b"];
    for (key, option, variable, seen) in [
        (
            "account",
            "--account",
            "CLOUDFLARE_ACCOUNT_ID",
            "/accounts/{}/",
        ),
        ("colo", "--colo", "PCAPS_COLO", "\"colo_name\": \"{}\""),
        (
            "bucket",
            "--bucket",
            "PCAPS_BUCKET",
            "\"destination_conf\": \"{}\"",
        ),
    ] {
        let values = match key {
            "account" => [ONE, TWO, THREE],
            "colo" => ["ord01", "ord02", "ord03"],
            _ => ["gs://one", "gs://two", "gs://three"],
        };
        // What is not looked at is given as options.
        let others: Vec<_> = rest
            .chunks(2)
            .filter(|it| it[0] != option)
            .flatten()
            .collect();
        let config = format!("{base}{key} = \"{}\"\n", values[2]);
        for level in 0..3 {
            canned.then_example("start_capture.full.response");
            let mut command = with(folder.path(), &config);
            command.args(full).args(&others);
            if level == 0 {
                command.args([option, values[0]]);
            }
            if level <= 1 {
                command.env(variable, values[1]);
            }
            let request = asked(&canned, &run(&mut command).ok());
            let expected = seen.replace("{}", values[level]);
            assert!(request.contains(&expected), "{key} {level}: {request}");
        }
        let mut command = with(folder.path(), &base);
        let without = run(command.args(full).args(&others).env(variable, ""));
        assert_eq!(without.code, Some(2), "{}", without.text());
        assert!(without.stderr.contains(option) && without.stderr.contains(variable));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_services_address_too() {
    let (one, two, three) = (Canned::default(), Canned::default(), Canned::default());
    let urls = [one.start().await, two.start().await, three.start().await];
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "[profile.default]\naccount = \"{ONE}\"\nbase_url = \"{}\"\n",
        urls[2]
    );
    for (level, canned) in [one, two, three].iter().enumerate() {
        canned.then_example("list_captures.response");
        let mut command = with(folder.path(), &config);
        command.arg("list");
        if level == 0 {
            command.args(["--base-url", &urls[0]]);
        }
        if level <= 1 {
            command.env("CLOUDFLARE_BASE_URL", &urls[1]);
        }
        asked(canned, &run(&mut command).ok());
    }
}

/// Which profile: by the option, by the variable, by the file, or the one named so; and in which file.
#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_chosen_in_the_same_way() {
    let canned = Canned::default();
    let url = canned.start().await;
    let folder = tempfile::tempdir().unwrap();
    let profiles = format!(
        "[profile.one]\nbase_url = \"{url}\"\naccount = \"{ONE}\"\n\
         [profile.two]\nbase_url = \"{url}\"\naccount = \"{TWO}\"\n\
         [profile.three]\nbase_url = \"{url}\"\naccount = \"{THREE}\"\n"
    );
    let config = format!("default_profile = \"three\"\n{profiles}");
    for (level, account) in [ONE, TWO, THREE].into_iter().enumerate() {
        canned.then_example("list_captures.response");
        let mut command = with(folder.path(), &config);
        command.arg("list");
        if level == 0 {
            command.args(["--profile", "one"]);
        }
        if level <= 1 {
            command.env("PCAPS_PROFILE", "two");
        }
        let request = asked(&canned, &run(&mut command).ok());
        assert!(request.contains(account), "{level}: {request}");
    }
    // By its name, in the folder for configuration.
    let named = profiles.replace("[profile.one]", "[profile.default]");
    fs::create_dir(folder.path().join("pcaps")).unwrap();
    fs::write(folder.path().join("pcaps/config.toml"), named).unwrap();
    canned.then_example("list_captures.response");
    let mut command = pcaps();
    command
        .env("CLOUDFLARE_API_TOKEN", TOKEN)
        .env("XDG_CONFIG_HOME", folder.path())
        .arg("list");
    let request = asked(&canned, &run(&mut command).ok());
    assert!(request.contains(ONE), "{request}");
}

/// A command that goes on elsewhere says by which profile.
#[tokio::test(flavor = "multi_thread")]
async fn what_to_do_next_names_the_profile() {
    let canned = Canned::default();
    let url = canned.start().await;
    let folder = tempfile::tempdir().unwrap();
    canned.then_example("start_capture.simple.response");
    let config = format!("[profile.lab]\nbase_url = \"{url}\"\naccount = \"{ONE}\"\n");
    let mut command = with(folder.path(), &config);
    let started = run(command.args(["start", "sample", "--profile", "lab"])).ok();
    assert!(
        started.stderr.contains(" --profile lab"),
        "{}",
        started.text()
    );
}

#[tokio::test]
async fn what_is_wrong_in_it() {
    let (_socket, url) = nobody();
    let folder = tempfile::tempdir().unwrap();
    let mut all = String::new();
    for (what, config, arguments) in [
        (
            "an unknown key",
            "[profile.default]\nacount = \"1\"\n",
            &["list"][..],
        ),
        ("no TOML", "[profile.default\n", &["list"]),
        (
            "a secret",
            "[profile.default]\n\napi_token = \"token-that-must-not-be-shown\"\n",
            &["list"],
        ),
        (
            "keys in a URI",
            "[profile.default]\nbucket = \"r2://b?account-id=1&access-key-id=AKEXAMPLE&secret-access-key=SKEXAMPLE\"\n",
            &["list"],
        ),
        (
            "no account",
            "[profile.default]\naccount = \"not an id\"\n",
            &["list"],
        ),
        (
            "no URL",
            "[profile.default]\nbase_url = \"example.com\"\n",
            &["list"],
        ),
        (
            "no such profile",
            "[profile.edge]\n[profile.lab]\n",
            &["list", "--profile", "ede"],
        ),
        (
            "no such default",
            "default_profile = \"ede\"\n[profile.edge]\n",
            &["list"],
        ),
        ("no profile at all", "", &["list", "--profile", "edge"]),
        ("no name", "", &["list", "--profile", "a/b"]),
    ] {
        let mut command = with(folder.path(), config);
        let run = run(command.args(arguments).args(["--account", ONE]));
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(2), ""),
            "{}",
            run.text()
        );
        assert!(
            !run.stderr.contains("EXAMPLE") && !run.stderr.contains(TOKEN),
            "{}",
            run.stderr
        );
        writeln!(all, "{what}\n{}", run.stderr).unwrap();
    }
    // Not a file of ours, and none at all.
    let mut command = with(folder.path(), "");
    command.env("PCAPS_CONFIG", folder.path().join("missing.toml"));
    let missing = run(command.args(["list", "--base-url", &url]));
    assert_eq!(missing.code, Some(2), "{}", missing.text());
    writeln!(all, "no file where one was named\n{}", missing.stderr).unwrap();
    filtered(|| insta::assert_snapshot!("wrong", all));
}

/// Who does not ask the service is not held up by what is wrong in the file.
#[test]
fn files_need_no_profile() {
    let folder = tempfile::tempdir().unwrap();
    let dns = crate::support::root().join("crates/pcaps-file/tests/data/dns.pcap");
    let mut command = with(folder.path(), "this is no TOML");
    run(command.arg("stats").arg(dns)).ok();
}
