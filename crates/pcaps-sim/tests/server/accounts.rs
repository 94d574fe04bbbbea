//! Who may do what, and sees what.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{Answer, BUCKET, Outcome, World, full, sample};

#[tokio::test]
async fn a_token_for_reading_only_reads() -> Outcome {
    let world = World::new().await?;
    let ownership = world.prove(BUCKET).await?;
    let id = world.start(&sample()).await?;
    let full = world.start(&full()).await?;
    let reader = |method, path: &str| -> RequestBuilder {
        let token = world.simulator.read_token().expose();
        world.bare(method, path).bearer_auth(token)
    };
    for path in ["", "/ownership", &format!("/{id}"), &format!("/{full}")] {
        Answer::of(reader(Method::GET, path)).await?.result()?;
    }
    let file = reader(Method::GET, &format!("/{id}/download"))
        .send()
        .await?;
    assert_eq!(file.status(), 200);

    let bucket = json!({ "destination_conf": BUCKET, "ownership_challenge": "x" });
    let bucket_id = ownership["id"].as_str().ok_or("no id")?;
    for (method, path, body) in [
        (Method::POST, "", sample()),
        (Method::PUT, &*format!("/{full}/stop"), Value::Null),
        (Method::POST, "/ownership", bucket.clone()),
        (Method::POST, "/ownership/validate", bucket),
        (
            Method::DELETE,
            &format!("/ownership/{bucket_id}"),
            Value::Null,
        ),
    ] {
        let request = reader(method, path).json(&body);
        let answer = Answer::of(request).await?;
        answer.assert_failure(403, None);
        let message = answer.body["errors"][0]["message"].to_string();
        assert!(message.contains("Write PCAPs API"), "{message}");
    }
    let list = world.get("").await?;
    assert_eq!(list.result()?.as_array().map(Vec::len), Some(2));
    assert_eq!(list.result()?[0]["stop_requested"], Value::Null);
    Ok(())
}

#[tokio::test]
async fn an_account_sees_only_its_own() -> Outcome {
    let world = World::new().await?;
    world.prove(BUCKET).await?;
    let id = world.start(&sample()).await?;
    world.start(&full()).await?;
    let other = world.simulator.add_account()?;
    for path in ["", "/ownership"] {
        let answer = world
            .as_account(&other, Method::GET, path, &Value::Null)
            .await?;
        assert_eq!(answer.result()?, &json!([]));
    }
    for path in [format!("/{id}"), format!("/{id}/download")] {
        let answer = world
            .as_account(&other, Method::GET, &path, &Value::Null)
            .await?;
        answer.assert_failure(404, None);
    }
    // The bucket is proven for the first only, and one running capture is the first's.
    let answer = world.as_account(&other, Method::POST, "", &full()).await?;
    answer.assert_failure(400, Some("/destination_conf"));
    world.post("", &full()).await?.assert_failure(409, None);

    // Its token is for its own account, and the first one's for the first.
    let path = "";
    let request = world
        .bare(Method::GET, path)
        .bearer_auth(other.token.expose());
    Answer::of(request).await?.assert_failure(403, None);
    let mut mixed = other.clone();
    mixed.token = world.simulator.token().clone();
    let answer = world
        .as_account(&mixed, Method::GET, path, &Value::Null)
        .await?;
    answer.assert_failure(403, None);
    assert_eq!(world.simulator.accounts().len(), 2);
    assert!(!format!("{other:?}").contains(other.token.expose()));
    Ok(())
}

#[tokio::test]
async fn a_capture_is_of_a_known_data_centre() -> Outcome {
    let world = World::new().await?;
    world.prove(BUCKET).await?;
    for colo in ["ord", "QQQ", "ord00", "ord2"] {
        let mut body = full();
        body["colo_name"] = json!(colo);
        world
            .post("", &body)
            .await?
            .assert_failure(400, Some("/colo_name"));
    }
    let mut body = full();
    body["colo_name"] = json!("FRA");
    world.post("", &body).await?.result()?;

    let world = World::with(|it| it.colos(["lab01", "lab02"])).await?;
    world.prove(BUCKET).await?;
    let answer = world.post("", &full()).await?;
    answer.assert_failure(400, Some("/colo_name"));
    let message = answer.body["errors"][0]["message"].to_string();
    assert!(message.contains("lab01, lab02"), "{message}");
    body["colo_name"] = json!("lab02");
    world.post("", &body).await?.result()?;
    Ok(())
}
