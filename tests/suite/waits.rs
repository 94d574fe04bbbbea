//! Waiting for captures: what is told, how long it takes, and how many requests.

use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, future::join};
use pcaps::{Clock as _, Error, ErrorKind, Update};
use pcaps_sim::faults::{Delivery, Fault, Operation, Place};
use serde_json::json;

use crate::{
    stage::Stage,
    support::{ACCOUNT, ID},
};

const GET: Operation = Operation::GetCapture;

/// What a person would be told.
async fn told(updates: impl futures_util::Stream<Item = Result<Update, Error>>) -> Vec<String> {
    updates
        .map(|update| match update {
            Ok(Update::Seen(it)) => {
                let packets = it.capture.packets_captured();
                format!(
                    "{} changed {} {:?}",
                    it.capture.status(),
                    it.changed,
                    packets.is_some()
                )
            }
            Ok(Update::Failing {
                error, next_look, ..
            }) => format!("{:?}, again in {next_look:?}", error.kind()),
            Ok(other) => format!("{other:?}"),
            Err(error) => format!("ends: {:?}", error.kind()),
        })
        .collect()
        .await
}

#[tokio::test]
async fn a_full_capture_is_followed_to_its_end() {
    let stage = Stage::set(Operation::StopCapture).await;
    let id = stage.capture.clone().unwrap();
    let start = stage.time.now();
    let capture = stage.account.wait(&id).await.unwrap();
    assert_eq!(capture.status(), "success");
    // A minute and three seconds, as the simulator has it; and a look soon after.
    let elapsed = stage.time.now().duration_since(start).as_secs();
    assert!((63..70).contains(&elapsed), "{elapsed}");
    let looks = stage.server.requests().len();
    assert!(looks <= 33, "{looks}");
    for pause in stage.time.pauses() {
        assert!(pause >= Duration::from_secs(2), "{pause:?}");
    }
}

#[tokio::test]
async fn a_stop_is_seen_at_once() {
    let stage = Stage::set(Operation::StopCapture).await;
    let id = stage.capture.clone().unwrap();
    let account = &stage.account;
    let mut before = account.wait(&id).updates();
    let first = before.try_next().await.unwrap();
    assert!(matches!(first, Some(Update::Seen(it)) if it.capture.stop_requested().is_none()));
    let start = stage.time.now();
    account.stop(&id).await.unwrap();
    let after = account.wait(&id).updates().try_next().await.unwrap();
    assert!(matches!(after, Some(Update::Seen(it)) if it.capture.stop_requested().is_some()));
    assert_eq!(stage.time.now(), start);
}

#[tokio::test]
async fn what_happens_is_told() {
    let stage = Stage::set(GET).await;
    let id = stage.capture.clone().unwrap();
    let at = |status: &str| {
        let capture = json!({"success": true, "result": {"type": "full", "id": ID, "status": status, "packets_captured": 7}});
        Fault::answer(200, "application/json", capture.to_string())
    };
    for fault in [
        at("pending"),
        at("pending"),
        Fault::answer(503, "text/html", "<html>"),
        Delivery::Reset(Place::BeforeHead).into(),
        at("a status from the future"),
        Fault::answer(200, "text/html", "<html>"),
        at("success"),
    ] {
        stage.server.next(GET, fault);
    }
    let told = told(stage.account.wait(&id).updates()).await;
    assert_eq!(
        told,
        [
            "pending changed true true",
            "pending changed false true",
            "Service, again in 2s",
            "Connection, again in 4s",
            "a status from the future changed true true",
            "UnexpectedResponse, again in 2s",
            "success changed true true",
        ]
    );
}

#[tokio::test]
async fn a_failed_capture_comes_with_its_reason() {
    let stage = Stage::set(GET).await;
    let id = stage.capture.clone().unwrap();
    let failed = json!({"success": true, "result": {"type": "full", "id": ID, "status": "failed", "error_message": "bucket gone"}});
    stage.server.next(
        GET,
        Fault::answer(200, "application/json", failed.to_string()),
    );
    let error = stage.account.wait(&id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CaptureFailed);
    assert!(error.to_string().contains("bucket gone"), "{error}");
    assert_eq!(
        error.capture().unwrap().error_message().as_deref(),
        Some("bucket gone")
    );
}

#[tokio::test]
async fn a_deadline_holds_also_while_nothing_answers() {
    let stage = Stage::set(Operation::StopCapture).await;
    let id = stage.capture.clone().unwrap();
    let start = stage.time.now();
    let error = stage
        .account
        .wait(&id)
        .deadline(Duration::from_secs(10))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlinePassed);
    assert!(error.is_timeout());
    assert_eq!(error.capture().unwrap().id(), &id);
    assert_eq!(stage.time.now().duration_since(start).as_secs(), 10);

    stage.server.next(GET, Delivery::Stall(Place::BeforeHead));
    let start = stage.time.now();
    let error = stage
        .account
        .wait(&id)
        .deadline(Duration::from_secs(10))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlinePassed);
    assert_eq!(stage.time.now().duration_since(start).as_secs(), 10);
}

#[tokio::test]
async fn two_hundred_waits_stay_within_the_limit() {
    let stage = Stage::set(Operation::StopCapture).await;
    let running = |number: usize| {
        json!({
            "type": "full", "id": format!("{number:032x}"), "status": "running", "time_limit": 300, "packets_captured": 0,
            "submitted": "2026-01-02T03:04:05Z",
        })
    };
    // The list holds the newest 50. The others are asked for one by one, and every answer is the same to them.
    let list: Vec<_> = (0..50).map(running).collect();
    let list = json!({"success": true, "result": list}).to_string();
    stage.server.always(
        Operation::ListCaptures,
        Fault::answer(200, "application/json", list),
    );
    let one = json!({"success": true, "result": running(0)}).to_string();
    stage
        .server
        .always(GET, Fault::answer(200, "application/json", one));

    let before = stage.server.requests().len();
    let waits = (0..200).map(|number| {
        let id = format!("{number:032x}").parse().unwrap();
        stage
            .account
            .clone()
            .wait(&id)
            .deadline(Duration::from_mins(5))
    });
    let outcomes = pcaps::wait_all(waits).await;
    assert_eq!(outcomes.len(), 200);
    for outcome in outcomes {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::DeadlinePassed);
    }
    let requests = stage.server.requests().split_off(before);
    assert!(requests.len() <= 1_200, "{}", requests.len());
    let lists = requests
        .iter()
        .filter(|it| it.operation == Some(Operation::ListCaptures))
        .count();
    assert!(lists > 0, "they share the list");
}

#[tokio::test]
async fn fifty_waits_need_no_more_than_the_list() {
    let stage = Stage::set(Operation::StopCapture).await;
    let before = stage.server.requests().len();
    let id = stage.capture.clone().unwrap();
    let waits = (0..50).map(|_| stage.account.wait(&id));
    for outcome in pcaps::wait_all(waits).await {
        assert_eq!(outcome.unwrap().status(), "success");
    }
    let requests = stage.server.requests().split_off(before);
    assert!(requests.len() <= 33, "{}", requests.len());
}

#[tokio::test]
async fn one_that_stalls_does_not_hold_the_others_up() {
    let stage = Stage::set(GET).await;
    let list = Operation::ListCaptures;
    let listed = |status: &str| {
        let capture = json!({"type": "full", "id": ID, "status": status});
        let list = json!({"success": true, "result": [capture]});
        Fault::answer(200, "application/json", list.to_string())
    };
    for _ in 0..4 {
        stage.server.next(list, listed("running"));
    }
    stage.server.always(list, listed("success"));
    // The list does not hold it, and it never answers.
    let stalled = "00000000000000000000000000000000".parse().unwrap();
    stage.server.always(GET, Delivery::Stall(Place::BeforeHead));
    let start = stage.time.now();
    // In this order: a wait that is alone needs no list.
    let never = stage.account.wait(&stalled);
    let never = never.deadline(Duration::from_mins(5)).into_future();
    let id = ID.parse().unwrap();
    let found = async { (stage.account.wait(&id).await, stage.time.now()) };
    let (never, (found, end)) = join(never, found).await;
    assert_eq!(never.unwrap_err().kind(), ErrorKind::DeadlinePassed);
    assert_eq!(found.unwrap().status(), "success");
    assert_eq!(end.duration_since(start).as_secs(), 8);
}

#[tokio::test]
async fn a_wait_that_is_dropped_leaves_the_others_alone() {
    let stage = Stage::set(Operation::StopCapture).await;
    let id = stage.capture.clone().unwrap();
    let mut dropped = stage.account.wait(&id).updates();
    let mut kept = stage.account.wait(&id).updates();
    dropped.try_next().await.unwrap();
    drop(dropped);
    let mut last = None;
    while let Some(update) = kept.try_next().await.unwrap() {
        last = Some(update);
    }
    let Some(Update::Seen(it)) = last else {
        panic!("{last:?}")
    };
    assert_eq!((it.capture.status(), it.next_look), ("success", None));
    assert!(kept.next().await.is_none(), "and nothing after it");
    assert_eq!(stage.account.id().as_str(), ACCOUNT);
}

#[tokio::test]
async fn one_that_is_left_alone_holds_nobody_up() {
    let stage = Stage::set(GET).await;
    let id = stage.capture.clone().unwrap();
    let mut left_alone = stage.account.wait(&id).updates();
    // Its request is under way, and nobody asks for what comes of it: a branch of `select!`, perhaps.
    assert!(left_alone.next().now_or_never().is_none());
    let capture = stage.account.wait(&id).await.unwrap();
    assert_eq!(capture.status(), "success");
}

#[tokio::test]
async fn waits_share_what_fails_too() {
    let stage = Stage::set(GET).await;
    let stall = || Delivery::Stall(Place::BeforeHead);
    stage.server.always(Operation::ListCaptures, stall());
    stage.server.always(GET, stall());
    let start = stage.time.now();
    let ids = (0..30).map(|number| format!("{number:032x}").parse().unwrap());
    let waits = ids.map(|id| stage.account.wait(&id));
    for outcome in pcaps::wait_all(waits).await {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Timeout);
    }
    let elapsed = stage.time.now().duration_since(start).as_secs();
    assert!(
        (480..=670).contains(&elapsed),
        "ten minutes, and the last answer: {elapsed}"
    );
    assert!(stage.server.requests().len() < 30);
}

#[tokio::test]
async fn waits_that_are_made_anew_ask_no_more_often() {
    let stage = Stage::set(Operation::StopCapture).await;
    let id = stage.capture.clone().unwrap();
    let start = stage.time.now();
    for _ in 0..10 {
        let mut updates = stage.account.wait(&id).updates();
        updates.next().await.unwrap().unwrap();
    }
    assert_eq!(stage.time.now(), start);
    assert_eq!(stage.server.requests().len(), 1);
}

#[tokio::test]
async fn a_service_that_wants_to_be_left_alone_for_ever_ends_it() {
    let ever = u64::MAX.to_string();
    for after in [
        ever.as_str(),
        "99999999999999999999999",
        "Fri, 31 Dec 9999 23:59:59 GMT",
    ] {
        let stage = Stage::set(GET).await;
        let id = stage.capture.clone().unwrap();
        let busy = Fault::answer(429, "text/plain", "").header("retry-after", after);
        stage.server.next(GET, Fault::answer(503, "text/plain", ""));
        stage.server.next(GET, busy);
        let error = stage.account.wait(&id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert!(error.retry_after().unwrap() > Duration::from_hours(24));
    }
}

#[tokio::test]
async fn what_was_left_alone_for_long_is_not_taken_for_news() {
    let stage = Stage::set(GET).await;
    let id = stage.capture.clone().unwrap();
    let pending =
        json!({"success": true, "result": {"type": "simple", "id": ID, "status": "pending"}});
    stage.server.next(
        GET,
        Fault::answer(200, "application/json", pending.to_string()),
    );
    let mut left_alone = stage.account.wait(&id).updates();
    let asked = async {
        while stage.server.requests().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        () = asked => {}
        update = left_alone.next() => panic!("{update:?}"),
    }
    stage.time.sleep(Duration::from_mins(10)).await;
    let told = told(stage.account.wait(&id).updates()).await;
    assert_eq!(told, ["success changed true false"]);
}

#[tokio::test]
async fn being_held_back_is_no_failure() {
    let stage = Stage::set(GET).await;
    let list = json!({"success": true, "result": []}).to_string();
    let one = json!({"success": true, "result": {"type": "full", "id": ID, "status": "running"}});
    let answer = |body: String| {
        Fault::answer(200, "application/json", body).header("ratelimit", r#""default";r=20;t=200"#)
    };
    stage.server.always(Operation::ListCaptures, answer(list));
    stage.server.always(GET, answer(one.to_string()));
    let waits = (0..30).map(|number| {
        let id = format!("{number:032x}").parse().unwrap();
        stage.account.wait(&id).deadline(Duration::from_mins(12))
    });
    for outcome in pcaps::wait_all(waits).await {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::DeadlinePassed);
    }
}
