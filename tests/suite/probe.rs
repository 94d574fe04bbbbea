//! What credentials are good for.

use std::time::Duration;

use pcaps::{Account, Client, ErrorKind, RetryPolicy};
use pcaps_sim::{
    Simulator,
    faults::{Fault, Operation},
};

use crate::{
    stage::Stage,
    support::{Canned, account},
};

fn account_of(simulator: &Simulator, token: &str, id: &str) -> Account {
    let client = Client::builder()
        .token(token)
        .base_url(simulator.base_url())
        .retry(RetryPolicy::never());
    client.build().unwrap().account(id.parse().unwrap())
}

#[tokio::test]
async fn who_may_read_and_who_may_write() {
    let simulator = Simulator::builder().start().await.unwrap();
    let [one, two] = [
        simulator.accounts()[0].clone(),
        simulator.add_account().unwrap(),
    ];
    for (token, id, may_read, may_write) in [
        (&one.token, &one.id, true, true),
        (&one.read_token, &one.id, true, false),
        // Somebody else's.
        (&one.token, &two.id, false, false),
    ] {
        let probe = account_of(&simulator, token.expose(), id)
            .probe()
            .await
            .unwrap();
        assert_eq!((probe.may_read, probe.may_write), (may_read, may_write));
        assert!(probe.clock_ahead.unwrap().abs().as_secs() < 60);
    }
    let wrong = account_of(&simulator, "wrong", &one.id)
        .probe()
        .await
        .unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Authentication);
    // Nothing has changed.
    let all = account_of(&simulator, one.token.expose(), &one.id);
    assert!(all.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn how_far_the_clocks_are_apart() {
    let stage = Stage::set(Operation::ListCaptures).await;
    stage
        .simulator
        .advance(Duration::from_secs(90))
        .await
        .unwrap();
    let ahead = stage.account.probe().await.unwrap().clock_ahead.unwrap();
    assert!((-91..=-89).contains(&ahead.as_secs()), "{ahead:?}");
}

#[tokio::test]
async fn no_answer_is_no_verdict() {
    let stage = Stage::set(Operation::ListCaptures).await;
    for operation in [Operation::ListCaptures, Operation::StopCapture] {
        for _ in 0..4 {
            stage
                .server
                .next(operation, Fault::answer(502, "text/html", "no"));
        }
        let error = stage.account.probe().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Service, "{operation:?}");
    }
}

/// An account that is not there is not one that may be written to.
#[tokio::test]
async fn an_account_that_is_not_there() {
    let canned = Canned::default();
    let url = canned.start().await;
    let no = r#"{"success": false, "errors": [{"code": 1000, "message": "no"}], "messages": [], "result": null}"#;
    canned.then(404, "application/json", no);
    let error = account(&url).probe().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(canned.requests().len(), 1);
}
