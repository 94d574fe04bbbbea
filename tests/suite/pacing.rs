//! Staying within the service's limit on requests.

use std::time::Duration;

use futures_util::future::join_all;
use pcaps::{ErrorKind, RetryPolicy, Sample};
use pcaps_sim::{
    Request, Simulator,
    faults::{Fault, Operation},
};

use crate::{
    stage::Stage,
    support::{ACCOUNT, TOKEN, account_at, account_by},
    time::Time,
};

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

#[tokio::test]
async fn whoever_is_held_back_hears_of_news() {
    let stage = Stage::set(Operation::ListCaptures).await;
    stage.server.next(Operation::ListCaptures, limited(3, 30));
    stage.server.next(Operation::ListCaptures, limited(0, 50));
    stage.account.list().await.unwrap();
    let start = stage.time.now();
    let listed = join_all((0..3).map(|_| stage.account.list())).await;
    assert!(listed.iter().all(Result::is_ok));
    let elapsed = stage.time.now().duration_since(start).as_secs();
    assert!(
        (50..60).contains(&elapsed),
        "the last two wait for it: {elapsed}"
    );
}

#[tokio::test]
async fn what_is_turned_away_tells_all_clones() {
    let stage = Stage::set(Operation::ListCaptures).await;
    let busy = Fault::answer(429, "text/plain", "later").header("retry-after", "300");
    stage.server.next(Operation::ListCaptures, busy.unseen());
    let error = stage.account.list().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_mins(5)));
    let error = stage.account.clone().list_buckets().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(stage.server.requests().len(), 1, "it was not even tried");
}

#[tokio::test]
async fn a_header_that_makes_no_sense_stops_nobody() {
    let stage = Stage::set(Operation::ListCaptures).await;
    let odd = r#""default";r=0;t=1767323045"#;
    stage.server.next(
        Operation::ListCaptures,
        Fault::default().header("ratelimit", odd),
    );
    for _ in 0..3 {
        stage.account.list().await.unwrap();
    }
}

#[tokio::test]
async fn holding_back_does_not_outlast_the_policy() {
    let stage = Stage::set(Operation::ListCaptures).await;
    let failing = Fault::answer(503, "text/plain", "").header("ratelimit", r#""default";r=0;t=55"#);
    stage.server.always(Operation::ListCaptures, failing);
    let policy = RetryPolicy::default().total_time(Duration::from_secs(5));
    let account = account_by(stage.server.base_url(), &stage.time, policy);
    let start = stage.time.now();
    let error = account.list().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited, "{error}");
    let elapsed = stage.time.now().duration_since(start).as_secs();
    assert!(elapsed <= 5, "{elapsed}");
}

/// A simulator with its limits, on a clock that jumps.
async fn simulator() -> (Simulator, Time) {
    let time = Time::start();
    let clock = time.clone();
    let simulator = Simulator::builder().token(TOKEN).account_id(ACCOUNT);
    let simulator = simulator.clock(move || clock.now()).start().await;
    (simulator.unwrap(), time)
}

#[tokio::test]
async fn more_requests_than_there_may_be_are_spread_and_none_is_refused() {
    let (simulator, time) = simulator().await;
    let account = account_at(simulator.base_url(), &time);
    let start = time.now();
    let mut sent = 0;
    // Of 1,200 in five minutes, one more than there are.
    while sent <= 1_200 {
        account.list_buckets().await.unwrap();
        sent += 1;
    }
    let refused = |it: &Request| it.status != Some(200);
    assert!(!simulator.requests().iter().any(refused));
    let elapsed = time.now().duration_since(start).as_secs();
    assert!((200..=400).contains(&elapsed), "{elapsed} s");
}

#[tokio::test]
async fn two_samples_are_a_minute_apart() {
    let (simulator, time) = simulator().await;
    let account = account_at(simulator.base_url(), &time);
    let start = time.now();
    for _ in 0..2 {
        let sample = Sample::new(Duration::from_secs(1), 20).unwrap();
        account.start(sample).await.unwrap();
    }
    let elapsed = time.now().duration_since(start).as_secs();
    assert!((60..70).contains(&elapsed), "{elapsed} s");
    let statuses: Vec<_> = simulator.requests().iter().map(|it| it.status).collect();
    assert_eq!(statuses, [Some(200), Some(429), Some(200)]);
}
