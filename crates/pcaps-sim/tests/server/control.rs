//! The control interface.

use std::net::SocketAddr;

use pcaps_sim::{Request, faults::Operation};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{Answer, BUCKET, Outcome, World, but, full, packets, sample};

async fn controlled() -> Outcome<World> {
    World::with(|it| it.control(SocketAddr::from(([127, 0, 0, 1], 0)))).await
}

/// Asks for something to be done: a status, and what is said.
async fn control(
    world: &World,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Outcome<(StatusCode, Value)> {
    let url = world
        .simulator
        .control_url()
        .ok_or("no control interface")?;
    let token = world.simulator.token().expose();
    let request = world
        .http
        .request(method, format!("{url}{path}"))
        .bearer_auth(token);
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    let response = request.send().await?;
    let status = response.status();
    let text = response.text().await?;
    let said = if text.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&text)?
    };
    Ok((status, said))
}

/// Has something done.
async fn done(world: &World, method: Method, path: &str, body: &Value) -> Outcome<Value> {
    let (status, said) = control(world, method, path, Some(body)).await?;
    assert!(status.is_success(), "{status}: {said}");
    Ok(said)
}

#[tokio::test]
async fn there_is_none_by_default() -> Outcome {
    let world = World::new().await?;
    assert_eq!(world.simulator.control_url(), None);
    for path in ["/clock", "/requests"] {
        let url = world.simulator.base_url().replace("/client/v4", path);
        let response = world.http.get(url).send().await?;
        assert_eq!(response.status(), 404);
    }
    Ok(())
}

#[tokio::test]
async fn it_takes_the_token() -> Outcome {
    let world = controlled().await?;
    let url = world
        .simulator
        .control_url()
        .ok_or("no control interface")?;
    assert!(!world.simulator.base_url().starts_with(url));
    for (method, path) in [
        (Method::GET, "/clock"),
        (Method::POST, "/clock"),
        (Method::POST, "/faults"),
        (Method::DELETE, "/faults"),
        (Method::PUT, "/traffic"),
        (Method::PUT, "/files"),
        (Method::POST, "/buckets"),
        (Method::GET, "/requests"),
        (Method::DELETE, "/requests"),
        (Method::GET, "/accounts"),
        (Method::POST, "/accounts"),
    ] {
        let request = || world.http.request(method.clone(), format!("{url}{path}"));
        let read_token = world.simulator.read_token().expose();
        for request in [
            request(),
            request().bearer_auth("x"),
            request().bearer_auth(read_token),
        ] {
            let response = request.json(&json!({})).send().await?;
            assert_eq!(response.status(), 401, "{method} {path}");
        }
    }
    let guide = world.http.get(url).send().await?.text().await?;
    assert!(guide.contains("POST   /clock"), "{guide}");
    Ok(())
}

#[tokio::test]
async fn the_clock_moves_captures() -> Outcome {
    let world = controlled().await?;
    let before = world.simulator.now();
    assert_eq!(
        done(&world, Method::GET, "/clock", &Value::Null).await?,
        json!({ "now": "2026-11-20T12:00:00.269047Z" })
    );
    world.prove(BUCKET).await?;
    let id = world.start(&full()).await?;
    let said = done(&world, Method::POST, "/clock", &json!({ "advance": 0.5 })).await?;
    assert_eq!(said, json!({ "now": "2026-11-20T12:00:00.769047Z" }));
    assert_eq!(
        world.get(&format!("/{id}")).await?.result()?["status"],
        "pending"
    );
    done(&world, Method::POST, "/clock", &json!({ "advance": 100 })).await?;
    // Without a request about it.
    assert_eq!(world.files(&id).await?.len(), 3);
    assert_eq!(
        world.simulator.now().duration_since(before).as_millis(),
        100_500
    );
    for wrong in [
        json!({ "advance": 2_600_000_000_u64 }),
        json!({ "advance": -1 }),
        json!({ "advance": 1e300 }),
        json!({}),
        json!({ "advance": "1" }),
    ] {
        let (status, said) = control(&world, Method::POST, "/clock", Some(&wrong)).await?;
        assert_eq!(status, 400, "{wrong}");
        assert!(said["error"].is_string(), "{said}");
    }
    Ok(())
}

#[tokio::test]
async fn answers_are_spoilt_on_order() -> Outcome {
    let world = controlled().await?;
    let order = json!({
        "operation": "list_captures",
        "times": 2,
        "fault": {
            "answer": { "status": 503, "body": "later" },
            "headers": { "retry-after": "7" },
            "unseen": true,
        },
    });
    done(&world, Method::POST, "/faults", &order).await?;
    for _ in 0..2 {
        let response = world.request(Method::GET, "").send().await?;
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "7");
        assert_eq!(response.headers()["content-type"], "text/plain");
        assert_eq!(response.text().await?, "later");
    }
    world.get("").await?.result()?;

    let order = json!({
        "operation": "start_capture",
        "always": true,
        "fault": { "delivery": { "reset": "before_head" } },
    });
    done(&world, Method::POST, "/faults", &order).await?;
    for count in 1..3 {
        assert!(
            world
                .request(Method::POST, "")
                .json(&sample())
                .send()
                .await
                .is_err()
        );
        let list = world.get("").await?;
        assert_eq!(list.result()?.as_array().map(Vec::len), Some(count));
    }
    let (status, _) = control(&world, Method::DELETE, "/faults", None).await?;
    assert_eq!(status, 204);
    world.post("", &sample()).await?.result()?;

    for wrong in [
        json!({}),
        json!({ "operation": "no_such", "fault": {} }),
        json!({ "operation": "list_captures", "fault": { "delivery": "late" } }),
        json!({ "operation": "list_captures", "fault": { "dellivery": "whole" } }),
        json!({ "operation": "list_captures", "fault": {}, "times": 1, "always": true }),
        json!({ "operation": "list_captures", "fault": {}, "times": 1_001 }),
    ] {
        let (status, said) = control(&world, Method::POST, "/faults", Some(&wrong)).await?;
        assert_eq!(status, 400, "{wrong}: {said}");
    }
    world.get("").await?.result()?;
    Ok(())
}

#[tokio::test]
async fn what_was_asked_can_be_read() -> Outcome {
    let world = controlled().await?;
    let order = json!({
        "operation": "list_captures",
        "fault": { "delivery": { "reset": "before_head" }, "unseen": true },
    });
    done(&world, Method::POST, "/faults", &order).await?;
    assert!(world.request(Method::GET, "?page=1").send().await.is_err());
    let wrong = but(sample(), &json!({ "packet_limit": 0 }));
    world
        .post("", &wrong)
        .await?
        .assert_failure(400, Some("/packet_limit"));

    let said = done(&world, Method::GET, "/requests", &Value::Null).await?;
    let asked = said.as_array().ok_or("no list")?;
    assert_eq!(asked.len(), 2);
    let path = format!("/client/v4/accounts/{}/pcaps", world.simulator.account_id());
    assert_eq!(asked[0]["path"], format!("{path}?page=1"));
    assert_eq!(asked[0]["status"], Value::Null);
    assert_eq!(asked[0]["reached"], false);
    assert_eq!(asked[1]["operation"], "start_capture");
    assert_eq!(asked[1]["status"], 400);
    assert_eq!(asked[1]["at"], "2026-11-20T12:00:00.269047Z");
    let body: Value = serde_json::from_str(asked[1]["body"].as_str().ok_or("no body")?)?;
    assert_eq!(body, wrong);
    assert!(!said.to_string().contains(world.simulator.token().expose()));

    let (status, _) = control(&world, Method::DELETE, "/requests", None).await?;
    assert_eq!(status, 204);
    assert!(world.simulator.requests().is_empty());
    Ok(())
}

#[tokio::test]
async fn without_it_the_same_can_be_read() -> Outcome {
    let world = World::new().await?;
    let body = sample();
    world.post("", &body).await?.result()?;
    world.request(Method::GET, "/ownership/x").send().await?;
    let requests = world.simulator.requests();
    let [start, wrong] = &*requests else {
        return Err(format!("{requests:?}").into());
    };
    let brief = |it: &Request| (it.operation, it.method.clone(), it.status, it.reached);
    assert_eq!(
        brief(start),
        (
            Some(Operation::StartCapture),
            "POST".into(),
            Some(200),
            true
        )
    );
    assert_eq!(serde_json::from_slice::<Value>(&start.body)?, body);
    assert_eq!(brief(wrong), (None, "GET".into(), Some(405), true));
    Ok(())
}

#[tokio::test]
async fn traffic_is_set() -> Outcome {
    let world = controlled().await?;
    let all = world.start(&sample()).await?;
    let order = json!({ "seed": 11, "sampling": 10 });
    done(&world, Method::PUT, "/traffic", &order).await?;
    let some = world.start(&sample()).await?;
    let all = packets(&world.download(&all).await?, 160)?;
    let some = packets(&world.download(&some).await?, 160)?;
    assert!(!some.is_empty());
    assert!(some.len() * 5 < all.len());
    assert!(some.iter().all(|it| all.contains(it)));
    let (status, _) = control(
        &world,
        Method::PUT,
        "/traffic",
        Some(&json!({ "seed": -1 })),
    )
    .await?;
    assert_eq!(status, 400);
    Ok(())
}

#[tokio::test]
async fn traffic_can_be_a_capture_file() -> Outcome {
    let world = controlled().await?;
    let url = world.simulator.control_url().ok_or("none")?;
    let put = |body: Vec<u8>| {
        let token = world.simulator.token().expose();
        let request = world.http.put(format!("{url}/traffic")).bearer_auth(token);
        request.body(body).send()
    };
    let three = but(sample(), &json!({ "packet_limit": 3 }));
    let recording = world.start(&three).await?;
    let recording = world.download(&recording).await?;
    assert_eq!(put(recording.clone()).await?.status(), 204);
    let replayed = world.start(&sample()).await?;
    let replayed = packets(&world.download(&replayed).await?, 160)?;
    let bytes = |it: &crate::support::Packet| it.bytes.clone();
    let original: Vec<_> = packets(&recording, 160)?.iter().map(bytes).collect();
    assert!(replayed.len() > 3);
    for (packet, bytes) in replayed.iter().zip(original.iter().cycle()) {
        assert_eq!(packet.bytes, *bytes);
    }

    let torn = recording[..recording.len() - 1].to_vec();
    let answer = put(torn).await?;
    assert_eq!(answer.status(), 400);
    let said: Value = answer.json().await?;
    let error = said["error"].as_str().ok_or("no error")?;
    assert!(error.contains("cannot replay the body: "), "{error}");
    assert_eq!(put(Vec::new()).await?.status(), 400);
    Ok(())
}

#[tokio::test]
async fn files_and_buckets_are_awkward_on_order() -> Outcome {
    let world = controlled().await?;
    world.prove(BUCKET).await?;
    let order = json!({ "servers": 5, "empty": 2 });
    done(&world, Method::PUT, "/files", &order).await?;
    let id = world.start(&full()).await?;
    done(&world, Method::POST, "/clock", &json!({ "advance": 100 })).await?;
    assert_eq!(world.files(&id).await?.len(), 7);

    for (refusal, said) in [
        ("gone", "bucket is gone"),
        ("not_writable", "cannot be written"),
    ] {
        let order = json!({ "destination": "s3://captures", "refusal": refusal });
        done(&world, Method::POST, "/buckets", &order).await?;
        let id = world.start(&full()).await?;
        done(&world, Method::POST, "/clock", &json!({ "advance": 100 })).await?;
        let answer = world.get(&format!("/{id}")).await?;
        assert_eq!(answer.result()?["status"], "failed");
        let message = answer.result()?["error_message"]
            .as_str()
            .ok_or("no message")?;
        assert!(message.contains(said), "{message}");
    }
    let order = json!({ "destination": "s3://captures", "refusal": null });
    done(&world, Method::POST, "/buckets", &order).await?;
    let id = world.start(&full()).await?;
    done(&world, Method::POST, "/clock", &json!({ "advance": 100 })).await?;
    assert_eq!(world.files(&id).await?.len(), 7);
    for (method, path, wrong) in [
        (Method::PUT, "/files", json!({ "servers": 0 })),
        (
            Method::POST,
            "/buckets",
            json!({ "destination": "captures", "refusal": "gone" }),
        ),
        (
            Method::POST,
            "/buckets",
            json!({ "destination": "s3://captures", "refusal": "full" }),
        ),
    ] {
        let (status, said) = control(&world, method, path, Some(&wrong)).await?;
        assert_eq!(status, 400, "{said}");
    }
    Ok(())
}

#[tokio::test]
async fn accounts_are_added() -> Outcome {
    let world = controlled().await?;
    let added = done(&world, Method::POST, "/accounts", &Value::Null).await?;
    let all = done(&world, Method::GET, "/accounts", &Value::Null).await?;
    assert_eq!(all.as_array().map(Vec::len), Some(2));
    assert_eq!(all[0]["account_id"], world.simulator.account_id());
    assert_eq!(all[1], added);
    let accounts = world.simulator.accounts();
    let other = accounts.last().ok_or("none")?;
    assert_eq!(added["api_token"], other.token.expose());
    assert_eq!(added["read_token"], other.read_token.expose());
    world
        .as_account(other, Method::GET, "", &Value::Null)
        .await?
        .result()?;
    Ok(())
}

#[tokio::test]
async fn a_client_that_does_not_read_does_not_hold_it_up() -> Outcome {
    let world = controlled().await?;
    let order = json!({ "operation": "list_captures", "fault": { "body": "x".repeat(30 << 20) } });
    done(&world, Method::POST, "/faults", &order).await?;
    let address = world.simulator.base_url().replace("http://", "");
    let address = address.split('/').next().ok_or("no address")?;
    let mut stream = TcpStream::connect(address).await?;
    let path = format!("/client/v4/accounts/{}/pcaps", world.simulator.account_id());
    let request = format!("GET {path} HTTP/1.1\r\nHost: here\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut beginning = [0; 1_000];
    stream.read_exact(&mut beginning).await?;
    // The test's time jumps when nothing else goes on.
    tokio::time::pause();
    world.simulator.shutdown().await;
    Ok(())
}

#[tokio::test]
async fn what_is_too_large_is_refused_as_json() -> Outcome {
    let world = controlled().await?;
    let url = world.simulator.control_url().ok_or("none")?;
    let token = world.simulator.token().expose();
    let request = world.http.post(format!("{url}/clock")).bearer_auth(token);
    let answer = request.body(vec![b' '; (64 << 20) + 1]).send().await?;
    assert_eq!(answer.status(), 413);
    let said: Value = answer.json().await?;
    assert!(said["error"].is_string(), "{said}");
    Ok(())
}

#[tokio::test]
async fn it_ends_with_the_simulator() -> Outcome {
    let world = controlled().await?;
    let url = world.simulator.control_url().ok_or("none")?.to_owned();
    let base_url = world.simulator.base_url().to_owned();
    // A connection that is kept open does not hold it up.
    Answer::of(world.request(Method::GET, "")).await?.result()?;
    world.simulator.shutdown().await;
    assert!(world.http.get(url).send().await.is_err());
    assert!(world.http.get(base_url).send().await.is_err());
    Ok(())
}
