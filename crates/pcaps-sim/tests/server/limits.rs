//! How often something may be asked.

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::support::{Answer, Outcome, World, but, sample};

async fn limited() -> Outcome<World> {
    World::with(|it| it.unlimited(false)).await
}

async fn send(request: RequestBuilder) -> Outcome<Response> {
    Ok(request.send().await?)
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

/// What an answer says about the requests that are left.
fn standing(response: &Response) -> (Option<&str>, Option<&str>, Option<&str>) {
    (
        header(response, "ratelimit"),
        header(response, "ratelimit-policy"),
        header(response, "retry-after"),
    )
}

const POLICY: Option<&str> = Some("\"default\";q=1200;w=300");

#[tokio::test]
async fn one_sample_a_minute() -> Outcome {
    let world = limited().await?;
    world.post("", &sample()).await?.result()?;
    world.pass(13);
    let early = send(world.request(Method::POST, "").json(&sample())).await?;
    assert_eq!(early.status(), 429);
    assert_eq!(header(&early, "retry-after"), Some("47"));
    let body: Value = early.json().await?;
    assert_eq!(
        body["errors"][0]["message"],
        "one sample may be asked for in a minute: the next in 47 s"
    );
    let list = world.get("").await?;
    assert_eq!(list.result()?.as_array().map(Vec::len), Some(1));
    world.pass(46);
    world.post("", &sample()).await?.assert_failure(429, None);
    world.pass(1);
    world.post("", &sample()).await?.result()?;
    Ok(())
}

#[tokio::test]
async fn what_is_refused_for_another_reason_does_not_count() -> Outcome {
    let world = limited().await?;
    let wrong = but(sample(), &json!({ "time_limit": 301 }));
    world
        .post("", &wrong)
        .await?
        .assert_failure(400, Some("/time_limit"));
    world.post("", &sample()).await?.result()?;
    // It is told what is wrong with it also when it comes too early.
    world
        .post("", &wrong)
        .await?
        .assert_failure(400, Some("/time_limit"));
    Ok(())
}

#[tokio::test]
async fn samples_of_other_accounts_do_not_count() -> Outcome {
    let world = limited().await?;
    world.post("", &sample()).await?.result()?;
    let other = world.simulator.add_account()?;
    world
        .as_account(&other, Method::POST, "", &sample())
        .await?
        .result()?;
    Ok(())
}

#[tokio::test]
async fn requests_are_counted_and_then_refused() -> Outcome {
    let world = limited().await?;
    let first = send(world.request(Method::GET, "")).await?;
    assert_eq!(first.status(), 200);
    assert_eq!(
        standing(&first),
        (Some("\"default\";r=1199;t=300"), POLICY, None)
    );
    world.pass(100);
    for left in (0..1199).rev() {
        let answer = send(world.request(Method::GET, "/ownership")).await?;
        assert_eq!(answer.status(), 200);
        let expected = format!("\"default\";r={left};t=200");
        assert_eq!(standing(&answer), (Some(&*expected), POLICY, None));
    }
    let refused = send(world.request(Method::GET, "")).await?;
    assert_eq!(refused.status(), 429);
    assert_eq!(
        standing(&refused),
        (Some("\"default\";r=0;t=300"), POLICY, Some("300"))
    );
    // What has no route is counted too, and what can be read by the other token.
    world.pass(200);
    let read = world.bare(Method::GET, "/x/y/z");
    let refused = send(read.bearer_auth(world.simulator.read_token().expose())).await?;
    assert_eq!(refused.status(), 429);
    assert_eq!(header(&refused, "retry-after"), Some("100"));
    // Others have their own.
    let other = world.simulator.add_account()?;
    world
        .as_account(&other, Method::GET, "", &Value::Null)
        .await?
        .result()?;
    let stranger = send(world.bare(Method::GET, "")).await?;
    assert_eq!(stranger.status(), 401);
    assert_eq!(
        standing(&stranger),
        (Some("\"default\";r=1199;t=300"), POLICY, None)
    );

    world.pass(100);
    let again = send(world.request(Method::GET, "")).await?;
    assert_eq!(again.status(), 200);
    assert_eq!(standing(&again).0, Some("\"default\";r=1199;t=300"));
    Ok(())
}

#[tokio::test]
async fn without_limits_nothing_is_said_of_them() -> Outcome {
    let world = World::new().await?;
    for _ in 0..3 {
        let answer = send(world.request(Method::POST, "").json(&sample())).await?;
        assert_eq!(answer.status(), 200);
        assert_eq!(standing(&answer), (None, None, None));
    }
    let request = world.bare(Method::GET, "");
    Answer::of(request).await?.assert_failure(401, None);
    Ok(())
}
