//! Every request as it goes over the wire.

use std::time::Duration;

use pcaps::{Client, Full, Sample};

use crate::support::{ACCOUNT, Canned, ID, TOKEN, account, filtered};

const R2: &str =
    "r2://captures/edge?account-id=1f&access-key-id=AKEXAMPLE&secret-access-key=SKEXAMPLE";

/// What one call sent.
fn request(canned: &Canned) -> String {
    let requests = canned.requests();
    assert_eq!(requests.len(), 1, "{requests:#?}");
    requests.concat()
}

#[tokio::test]
async fn every_request_on_the_wire() {
    let canned = Canned::default();
    let account = account(&canned.start().await);
    let mut wire = Vec::new();

    canned.then_example("start_capture.simple.response");
    let sample = Sample::new(Duration::from_mins(5), 10_000).unwrap();
    account.start(sample.clone()).await.unwrap();
    wire.push(("start_capture_sample", request(&canned)));

    canned.then_example("start_capture.simple.response");
    let filter =
        "tcp and src host 192.0.2.1 and src port 1024 and dst host 2001:db8::1 and dst port 443";
    // Whole seconds, so that the length of the body does not depend on when the test runs.
    let past = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second() - 3600).unwrap();
    account
        .start(
            sample
                .filter(filter.parse().unwrap())
                .ending_at(past)
                .unwrap(),
        )
        .await
        .unwrap();
    wire.push(("start_capture_sample_filtered", request(&canned)));

    canned.then_example("start_capture.full.response");
    let full = Full::new("ORD", R2.parse().unwrap(), Duration::from_hours(1)).unwrap();
    let full = full
        .packet_limit(9_000)
        .unwrap()
        .byte_limit(500_000_000)
        .unwrap();
    account.start(full).await.unwrap();
    wire.push(("start_capture_full", request(&canned)));

    canned.then_example("list_captures.response");
    account.list().await.unwrap();
    wire.push(("list_captures", request(&canned)));

    canned.then_example("get_capture.full.response");
    account.get(&ID.parse().unwrap()).await.unwrap();
    wire.push(("get_capture", request(&canned)));

    canned.then(200, "application/vnd.tcpdump.pcap", "not a capture");
    let folder = tempfile::tempdir().unwrap();
    account
        .download(&ID.parse().unwrap())
        .to_path(folder.path().join("a.pcap"))
        .await
        .unwrap_err();
    wire.push(("download_capture", request(&canned)));

    canned.then(204, "", "");
    account.stop(&ID.parse().unwrap()).await.unwrap();
    wire.push(("stop_capture", request(&canned)));

    canned.then_example("register_bucket.response");
    account.register_bucket(&R2.parse().unwrap()).await.unwrap();
    wire.push((
        "register_bucket",
        request(&canned)
            .replace("AKEXAMPLE", "[ID]")
            .replace("SKEXAMPLE", "[KEY]"),
    ));

    canned.then_example("list_buckets.response");
    account.list_buckets().await.unwrap();
    wire.push(("list_buckets", request(&canned)));

    canned.then_example("validate_bucket.response");
    account
        .validate_bucket(&R2.parse().unwrap(), "the-challenge\n")
        .await
        .unwrap();
    wire.push((
        "validate_bucket",
        request(&canned).replace("the-challenge", "[CHALLENGE]"),
    ));

    canned.then(204, "", "");
    account.remove_bucket(&ID.parse().unwrap()).await.unwrap();
    wire.push(("remove_bucket", request(&canned)));

    for (name, request) in wire {
        assert!(
            !request.contains("EXAMPLE") && !request.contains(TOKEN),
            "{name}: {request}"
        );
        filtered(|| insta::assert_snapshot!(name, request));
    }
}

#[tokio::test]
async fn the_older_way_to_authenticate() {
    let canned = Canned::default();
    let base_url = canned.start().await;
    canned.then_example("list_captures.response");
    let client = Client::builder()
        .email_and_key("ops@example.com", "the-key")
        .base_url(base_url)
        .build()
        .unwrap();
    client
        .account(ACCOUNT.parse().unwrap())
        .list()
        .await
        .unwrap();
    filtered(|| insta::assert_snapshot!(request(&canned)));
}

#[tokio::test]
async fn an_id_that_is_none_sends_nothing() {
    let canned = Canned::default();
    let account = account(&canned.start().await);
    // A capture that the service gave no id for.
    canned.then(
        200,
        "application/json",
        r#"{"success": true, "result": [{"type": "full"}]}"#,
    );
    let captures = account.list().await.unwrap();
    canned.requests();
    let error = account.stop(captures[0].id()).await.unwrap_err();
    assert_eq!(error.kind(), pcaps::ErrorKind::InvalidInput);
    assert!(canned.requests().is_empty());
}
