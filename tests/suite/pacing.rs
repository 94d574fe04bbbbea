//! Staying within the service's limit on requests.

use std::time::Duration;

use futures_util::future::join_all;
use pcaps::ErrorKind;
use pcaps_sim::faults::{Fault, Operation};

use crate::stage::Stage;

fn limited(remaining: u32, seconds: u32) -> Fault {
    Fault::default()
        .header(
            "ratelimit",
            format!(r#""default";r={remaining};t={seconds}"#),
        )
        .header("ratelimit-policy", r#""default";q=100;w=60"#)
}

fn seconds(pauses: &[Duration]) -> Vec<u64> {
    pauses.iter().map(Duration::as_secs).collect()
}

#[tokio::test]
async fn it_slows_down_before_the_limit_and_clones_share_it() {
    let stage = Stage::set(Operation::ListCaptures).await;
    stage.server.next(Operation::ListCaptures, limited(50, 30));
    stage.server.next(Operation::ListCaptures, limited(5, 30));
    for _ in 0..2 {
        stage.account.list().await.unwrap();
    }
    assert!(stage.time.pauses().is_empty(), "there are plenty");
    // Five are left, for half a minute and for all clones.
    let clones: Vec<_> = (0..5).map(|_| stage.account.clone()).collect();
    let start = stage.time.now();
    for listed in join_all(clones.iter().map(pcaps::Account::list)).await {
        listed.unwrap();
    }
    let elapsed = stage.time.now().duration_since(start).as_secs();
    assert_eq!(elapsed, 24);
    assert_eq!(seconds(&stage.time.pauses()), [6, 12, 18, 24]);
}

#[tokio::test]
async fn nothing_is_sent_past_the_limit() {
    let stage = Stage::set(Operation::ListCaptures).await;
    stage.server.next(Operation::ListCaptures, limited(0, 40));
    stage.account.list().await.unwrap();
    stage.account.list().await.unwrap();
    assert_eq!(seconds(&stage.time.pauses()), [40], "until it is lifted");

    stage.server.next(Operation::ListCaptures, limited(0, 300));
    stage.account.list().await.unwrap();
    let sent = stage.server.requests().len();
    let error = stage.account.list().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_mins(5)));
    assert!(error.to_string().contains("wait 300 s"), "{error}");
    assert_eq!(
        stage.server.requests().len(),
        sent,
        "longer than anybody wants to wait"
    );
}
