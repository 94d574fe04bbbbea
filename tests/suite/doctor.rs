//! `pcaps doctor`, of setups that are well and of others.

use std::{fs, time::Duration};

use jiff::Timestamp;
use pcaps_sim::{Buckets, Simulator};

use crate::support::{ACCOUNT, Canned, Run, filtered, nobody, pcaps, pcaps_as, pcaps_of, run};

/// The state of each check.
fn states(run: &Run) -> Vec<(String, String)> {
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let checks = json["checks"].as_array().unwrap();
    let text = |it: &serde_json::Value, name| it[name].as_str().unwrap().to_owned();
    checks
        .iter()
        .map(|it| (text(it, "name"), text(it, "state")))
        .collect()
}

fn state(run: &Run, name: &str) -> String {
    let found = states(run).into_iter().find(|it| it.0 == name);
    found.unwrap_or_else(|| panic!("{name}: {}", run.text())).1
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_well() {
    let folder = tempfile::tempdir().unwrap();
    let buckets = Buckets::folder(folder.path()).unwrap();
    let simulator = Simulator::builder().buckets(buckets).start().await.unwrap();
    let mapping = format!(
        "gs://captures={}",
        folder.path().join("gs/captures").display()
    );
    let mut command = pcaps_of(&simulator);
    let id = simulator.account_id();
    let doctor = run(command.arg("doctor")).ok();
    filtered(|| insta::assert_snapshot!("well", doctor.text().replace(id, "[ACCOUNT]")));

    // A bucket that is proven, here and from elsewhere.
    fs::create_dir_all(folder.path().join("gs/captures")).unwrap();
    let prove = ["bucket", "prove", "gs://captures", "--bucket-map", &mapping];
    run(pcaps_of(&simulator).args(prove)).ok();
    let near = run(pcaps_of(&simulator).args(["doctor", "--json", "--bucket-map", &mapping])).ok();
    assert_eq!(state(&near, "bucket"), "ok", "{}", near.text());
    let far = run(pcaps_of(&simulator)
        .env("GOOGLE_APPLICATION_CREDENTIALS", "/nobody")
        .args(["doctor", "--json"]))
    .ok();
    assert_eq!(state(&far, "bucket"), "warning", "{}", far.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_as_it_should_be() {
    let late = Timestamp::now() - Duration::from_mins(10);
    let simulator = Simulator::builder()
        .clock(move || late)
        .start()
        .await
        .unwrap();
    let (url, account) = (simulator.base_url(), simulator.account_id());
    run(pcaps_of(&simulator).args(["bucket", "add", "gs://captures"])).ok();
    let token = &simulator.accounts()[0].read_token;
    let mut command = pcaps_as(url, token.expose(), account);
    let doctor = run(command.args(["doctor", "--json"])).ok();
    for name in ["permissions", "clock", "bucket"] {
        assert_eq!(state(&doctor, name), "warning", "{name}: {}", doctor.text());
    }
    let text = run(pcaps_as(url, token.expose(), account).arg("doctor")).ok();
    let text = text.text().replace(account, "[ACCOUNT]");
    filtered(|| insta::assert_snapshot!("not_well", text));
    assert!(!text.contains(token.expose()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong() {
    let canned = Canned::default();
    let url = canned.start().await;
    // Nothing is set up: both are told, and nobody is asked.
    let nothing = run(pcaps().arg("doctor"));
    assert_eq!(nothing.code, Some(2), "{}", nothing.text());
    filtered(|| insta::assert_snapshot!("nothing", nothing.text()));
    // A file that cannot be used.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    fs::write(&path, "acount = 1").unwrap();
    let config = run(pcaps()
        .env("PCAPS_CONFIG", &path)
        .args(["doctor", "--json"]));
    assert_eq!(
        (config.code, state(&config, "configuration")),
        (Some(2), "failed".to_owned())
    );
    // A token that the service does not know, and one that may nothing.
    let no = r#"{"success": false, "errors": [{"code": 1000, "message": "no"}], "messages": [], "result": null}"#;
    for (answers, status) in [(1, 401), (2, 403)] {
        for _ in 0..answers {
            canned.then(status, "application/json", no);
        }
        let denied = run(pcaps_as(&url, "wrong", ACCOUNT).args(["doctor", "--json"]));
        assert_eq!(
            (denied.code, state(&denied, "permissions")),
            (Some(3), "failed".to_owned())
        );
    }
    // Nobody there.
    let (_socket, url) = nobody();
    let away = run(pcaps_as(&url, "t", ACCOUNT).args(["doctor", "--json", "--retries", "0"]));
    assert_eq!(
        (away.code, state(&away, "permissions")),
        (Some(1), "failed".to_owned())
    );
}

#[test]
fn of_the_simulator() {
    let doctor = run(pcaps().args(["doctor", "--simulate", "--json"]));
    assert!(
        states(&doctor).iter().all(|it| it.1 == "ok"),
        "{}",
        doctor.text()
    );
    doctor.ok();
}
