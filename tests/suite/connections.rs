//! What happens below HTTP, and around it.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    thread,
    time::Duration,
};

use pcaps::{Error, ErrorKind, Sample};
use pcaps_sim::faults::{Fault, Framing, Operation};

use crate::{
    stage::{Stage, destination},
    support::{Canned, TOKEN, account_at, nobody, pcaps_at, run},
    time::Time,
};

fn sample() -> Sample {
    Sample::new(Duration::from_secs(1), 1).unwrap()
}

/// Every request that never arrived is sent again, also one that must not arrive twice.
fn assert_never_arrived(error: &Error, time: &Time) {
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    assert!(error.is_connect() && error.is_retryable(), "{error}");
    assert!(!error.to_string().contains("all the same"), "{error}");
    assert_eq!(error.attempts(), 4, "{error}");
    let pauses: Vec<_> = time.pauses().iter().map(Duration::as_millis).collect();
    assert_eq!(pauses, [500, 1000, 2000]);
}

#[tokio::test]
async fn what_is_refused_has_never_arrived() {
    let (_socket, url) = nobody();
    let time = Time::start();
    let account = account_at(&url, &time);
    assert_never_arrived(&account.start(sample()).await.unwrap_err(), &time);
    let bucket = destination();
    assert_never_arrived(&account.register_bucket(&bucket).await.unwrap_err(), &time);
}

#[tokio::test]
async fn without_tls_nothing_has_arrived() {
    // It speaks HTTP in the clear.
    let canned = Canned::default();
    let url = canned.start().await.replace("http:", "https:");
    let time = Time::start();
    let error = account_at(&url, &time).start(sample()).await.unwrap_err();
    assert_never_arrived(&error, &time);
    assert!(canned.requests().is_empty());
}

#[tokio::test]
async fn without_a_name_nothing_has_arrived() {
    let time = Time::start();
    let account = account_at("https://no-such-host.invalid/client/v4", &time);
    assert_never_arrived(&account.start(sample()).await.unwrap_err(), &time);
}

#[tokio::test]
async fn an_answer_is_bounded() {
    let stage = Stage::set(Operation::ListCaptures).await;
    let long = format!(
        r#"{{"success": true, "result": [], "x": "{}"}}"#,
        "x".repeat(17 << 20)
    );
    for framing in [Framing::Length, Framing::Chunked, Framing::UntilClosed] {
        for status in [200, 500] {
            let fault = Fault::answer(status, "application/json", long.clone());
            stage
                .server
                .next(Operation::ListCaptures, fault.framed(framing));
            let error = stage.account.list().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedResponse, "{error}");
            assert!(error.to_string().contains("16777216 bytes"), "{error}");
        }
    }
}

#[test]
fn the_environments_proxy_is_asked() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = proxy.local_addr().unwrap();
    let asked = thread::spawn(move || {
        let (stream, _) = proxy.accept().unwrap();
        let lines = BufReader::new(stream).lines().map_while(Result::ok);
        lines.take_while(|it| !it.is_empty()).collect::<Vec<_>>()
    });
    let mut command = pcaps_at("https://service.example/client/v4");
    command.env("HTTPS_PROXY", format!("http://{address}"));
    let run = run(command.args(["list", "--retries", "0"]));
    assert_eq!(run.code, Some(1), "{}", run.text());
    let asked = asked.join().unwrap();
    assert_eq!(asked[0], "CONNECT service.example:443 HTTP/1.1");
    assert!(!asked.join("\n").contains(TOKEN), "{asked:?}");
}
