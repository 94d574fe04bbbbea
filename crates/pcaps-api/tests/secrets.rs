//! `Debug` of what the service sends shows no keys, wherever it puts them, and encoding keeps them.

use std::fmt::Debug;

use pcaps_api::types::{CaptureListEnvelope, Failure, OwnershipListEnvelope};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

const URI: &str = "r2://b/d?account-id=acc&access-key-id=AKAK&secret-access-key=SKSK";

fn hides<T: DeserializeOwned + Serialize + Debug>(body: &Value) {
    let decoded: T = serde_json::from_value(body.clone()).unwrap();
    let shown = format!("{decoded:?} {decoded:#?}");
    assert!(
        !shown.contains("AKAK") && !shown.contains("SKSK"),
        "{shown}"
    );
    assert_eq!(serde_json::to_value(&decoded).unwrap(), *body);
}

#[test]
fn texts_that_may_quote_a_request_do_not_show() {
    let quoting = format!("cannot write to {URI}");
    let messages =
        json!([{"code": 1001, "message": quoting, "request": URI}, URI, {"message": [URI]}]);
    let captures = json!([
        {"type": "full", "destination_conf": URI, "error_message": quoting, "request": URI},
        {"type": "full", "error_message": [quoting]},
        {"type": "other", "error_message": quoting},
        URI
    ]);
    let buckets = json!([{"destination_conf": URI, "request": URI}, URI]);
    let fields = |success: bool| json!({"errors": messages, "messages": messages, "success": success, "request": URI});
    let answer = |result: Value| {
        let mut answer = fields(true);
        answer["result"] = result;
        answer
    };
    hides::<Failure>(&fields(false));
    hides::<CaptureListEnvelope>(&answer(captures));
    hides::<OwnershipListEnvelope>(&answer(buckets));
}
