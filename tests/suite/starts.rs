//! Starts whose answers got lost, and other things that may have been done.

use std::time::Duration;

use futures_util::future::join;
use pcaps::{ErrorKind, Sample};
use pcaps_sim::faults::{Delivery, Fault, Operation, Place};
use serde_json::json;

use crate::{
    secrets::{self, KEY, KEY_ID},
    stage::Stage,
    support::TOKEN,
};

const START: Operation = Operation::StartCapture;
const JSON: &str = "application/json";

fn sample() -> Sample {
    Sample::new(Duration::from_secs(1), 20).unwrap()
}

#[tokio::test]
async fn a_capture_of_somebody_else_is_not_taken_for_ours() {
    let stage = Stage::set(START).await;
    let busy = Fault::answer(429, JSON, "{}").header("retry-after", "30");
    let broken = Fault::answer(502, "text/html", "<html>");
    stage.server.next(START, busy.unseen());
    stage.server.next(START, broken.unseen());
    // While we wait, somebody starts the same, and ours has no effect.
    let other = async {
        while stage.server.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        stage.direct.start(sample()).await.unwrap()
    };
    let (mine, _) = join(stage.account.start(sample()), other).await;
    let error = mine.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Service);
    assert!(error.to_string().contains("may still start"), "{error}");
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn of_two_that_got_lost_nobody_can_tell() {
    let stage = Stage::set(START).await;
    for _ in 0..2 {
        let lost = Delivery::Reset(Place::BeforeHead);
        stage.server.next(START, lost);
    }
    let start = || stage.account.start(sample());
    let (one, two) = join(start(), start()).await;
    let mut unknown = 0;
    for outcome in [one, two] {
        // It may have been looked for before the other one was there.
        if let Err(error) = outcome {
            unknown += 1;
            assert!(error.to_string().contains("look at the list"), "{error}");
        }
    }
    assert!(unknown >= 1, "both cannot have it");
    assert_eq!(stage.direct.list().await.unwrap().len(), 2);
}

#[tokio::test]
async fn without_the_list_it_is_unknown() {
    let stage = Stage::set(START).await;
    stage.server.next(START, Delivery::Reset(Place::BeforeHead));
    let refused = r#"{"success": false, "errors": []}"#;
    let refused = Fault::answer(403, JSON, refused).unseen();
    stage.server.always(Operation::ListCaptures, refused);
    let error = stage.account.start(sample()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    let text = error.to_string();
    assert!(text.contains("the list cannot be had"), "{text}");
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn a_bucket_is_gone_only_if_the_service_says_so() {
    let remove = Operation::RemoveBucket;
    let stage = Stage::set(remove).await;
    let page = |status| Fault::answer(status, "text/html", "<html>").unseen();
    stage.server.next(remove, page(502)).next(remove, page(404));
    let error = stage.perform(remove).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert_eq!(stage.direct.list_buckets().await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_was_sent_does_not_come_back_in_errors() {
    for operation in [Operation::RegisterBucket, Operation::ValidateBucket] {
        let stage = Stage::set(operation).await;
        let challenge = &stage.challenge;
        let said = format!("{TOKEN}, {KEY_ID} and {KEY}, {challenge} and\nmore");
        let failure = json!({"success": false, "errors": [{"code": 1000, "message": said}]});
        let fault = Fault::answer(400, JSON, failure.to_string());
        stage.server.next(operation, fault.unseen());
        let error = stage.perform(operation).await.unwrap_err();
        secrets::assert_none(&format!("{error} {error:?}"));
        let text = error.to_string();
        assert!(text.contains("REDACTED, REDACTED"), "{text}");
        assert!(text.contains("and more"), "on one line: {text}");
    }
}
