//! What a request for a capture may say.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::{Outcome, World, but, full, sample};

/// Asserts that changes to a body are refused, with the field that they are in.
async fn assert_refused(world: &World, body: &Value, changes: &[(Value, &str)]) -> Outcome {
    for (change, pointer) in changes {
        let answer = world.post("", &but(body.clone(), change)).await?;
        println!("{change}");
        answer.assert_failure(400, Some(pointer));
    }
    Ok(())
}

#[tokio::test]
async fn samples_out_of_the_ordinary_are_refused() -> Outcome {
    let world = World::new().await?;
    let now = world.clock.now();
    let at = |seconds| (now + SignedDuration::from_secs(seconds)).to_string();
    assert_refused(
        &world,
        &sample(),
        &[
            (json!({"type": null}), "/type"),
            (json!({"type": "partial"}), "/type"),
            (json!({"type": 1}), "/type"),
            (json!({"system": null}), "/system"),
            (json!({"system": "magic-wan"}), "/system"),
            (json!({"system": ["magic-transit"]}), "/system"),
            (json!({"time_limit": null}), "/time_limit"),
            (json!({"time_limit": "60"}), "/time_limit"),
            (json!({"time_limit": 0}), "/time_limit"),
            (json!({"time_limit": 301}), "/time_limit"),
            (json!({"time_limit": 59.5}), "/time_limit"),
            (json!({"time_limit": -1}), "/time_limit"),
            (json!({"time_limit": 1e300}), "/time_limit"),
            (json!({"time_limit": u64::MAX}), "/time_limit"),
            (json!({"packet_limit": null}), "/packet_limit"),
            (json!({"packet_limit": 0}), "/packet_limit"),
            (json!({"packet_limit": 10_001}), "/packet_limit"),
            (json!({"packet_limit": {}}), "/packet_limit"),
            (json!({"offset_time": ""}), "/offset_time"),
            (json!({"offset_time": "yesterday"}), "/offset_time"),
            (json!({"offset_time": 1_700_000_000}), "/offset_time"),
            (
                json!({"offset_time": "2026-11-20T11:00:00"}),
                "/offset_time",
            ),
            (json!({"offset_time": at(10)}), "/offset_time"),
            (json!({"offset_time": at(-24 * 3600 - 10)}), "/offset_time"),
        ],
    )
    .await
}

#[tokio::test]
async fn filters_out_of_the_ordinary_are_refused() -> Outcome {
    let world = World::new().await?;
    let mut changes = vec![
        (json!({"filter_v1": []}), "/filter_v1".to_owned()),
        (json!({"filter_v1": "tcp"}), "/filter_v1".to_owned()),
    ];
    for (field, value) in [
        ("source_address", json!("example.com")),
        ("source_address", json!("192.0.2.0/24")),
        ("source_address", json!("192.0.2.256")),
        ("source_address", json!("")),
        ("source_address", json!(3_221_225_985_u32)),
        ("destination_address", json!("::g")),
        ("source_port", json!(65_536)),
        ("source_port", json!(-1)),
        ("source_port", json!("53")),
        ("destination_port", json!(65_536)),
        ("destination_port", json!(53.5)),
        ("protocol", json!(256)),
        ("protocol", json!("tcp")),
    ] {
        let pointer = format!("/filter_v1/{field}");
        changes.push((json!({"filter_v1": {field: value}}), pointer));
    }
    for body in [sample(), full()] {
        for (change, pointer) in &changes {
            assert_refused(&world, &body, &[(change.clone(), pointer)]).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn full_captures_out_of_the_ordinary_are_refused() -> Outcome {
    let world = World::new().await?;
    assert_refused(
        &world,
        &full(),
        &[
            (json!({"system": "magic-wan"}), "/system"),
            (json!({"time_limit": null}), "/time_limit"),
            (json!({"time_limit": 86_401}), "/time_limit"),
            (json!({"packet_limit": 10_001}), "/packet_limit"),
            (json!({"packet_limit": 0}), "/packet_limit"),
            (json!({"byte_limit": 0}), "/byte_limit"),
            (json!({"byte_limit": 1_000_000_001}), "/byte_limit"),
            (json!({"byte_limit": true}), "/byte_limit"),
            (json!({"colo_name": null}), "/colo_name"),
            (json!({"colo_name": ""}), "/colo_name"),
            (json!({"colo_name": "ord-02"}), "/colo_name"),
            (json!({"colo_name": "../ord"}), "/colo_name"),
            (json!({"colo_name": 2}), "/colo_name"),
            (json!({"destination_conf": null}), "/destination_conf"),
            (json!({"destination_conf": 7}), "/destination_conf"),
            (json!({"destination_conf": "captures"}), "/destination_conf"),
            (
                json!({"destination_conf": "s3://captures/edge"}),
                "/destination_conf",
            ),
            (
                json!({"destination_conf": "file:///etc"}),
                "/destination_conf",
            ),
            (
                json!({"destination_conf": "gs://captures/../.."}),
                "/destination_conf",
            ),
        ],
    )
    .await
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once() -> Outcome {
    let world = World::new().await?;
    let body = json!({
        "type": "simple",
        "time_limit": 0,
        "filter_v1": { "protocol": 999, "source_address": "nowhere" },
    });
    let answer = world.post("", &body).await?;
    assert_eq!(answer.status, 400);
    let errors = answer.body["errors"].as_array().ok_or("no errors")?;
    let mut pointers: Vec<_> = errors
        .iter()
        .filter_map(|error| error["source"]["pointer"].as_str())
        .collect();
    pointers.sort_unstable();
    assert_eq!(
        pointers,
        [
            "/filter_v1/protocol",
            "/filter_v1/source_address",
            "/packet_limit",
            "/system",
            "/time_limit"
        ]
    );
    Ok(())
}

#[tokio::test]
async fn what_is_odd_but_right_is_accepted() -> Outcome {
    let world = World::new().await?;
    let now = world.clock.now();
    let at = |seconds| (now + SignedDuration::from_secs(seconds)).to_string();
    for change in [
        json!({"time_limit": 60.0, "packet_limit": 1e2}),
        json!({"time_limit": 300, "packet_limit": 10_000}),
        json!({"time_limit": 1, "packet_limit": 1}),
        json!({"offset_time": at(4)}),
        json!({"offset_time": at(0)}),
        json!({"offset_time": at(-24 * 3600)}),
        json!({"offset_time": "2026-11-20T12:00:00+05:30"}),
        json!({"filter_v1": {}}),
        json!({"filter_v1": {"protocol": 0, "source_port": 0, "destination_port": 65_535.0}}),
        json!({"filter_v1": {"source_address": "2001:db8::1"}}),
        json!({"byte_limit": "of no meaning here", "shelf": 7}),
    ] {
        let answer = world.post("", &but(sample(), &change)).await?;
        assert_eq!(answer.result()?["status"], "success", "{change}");
    }
    let nulls = r#"{"type": "simple", "system": "magic-transit", "time_limit": 60, "packet_limit": 1,
        "filter_v1": null, "offset_time": null}"#;
    let answer = world.post("", &serde_json::from_str(nulls)?).await?;
    answer.result()?;
    Ok(())
}
