//! Paths, methods, credentials, accounts, and the start and end of a simulator.

use std::{
    io::ErrorKind as IoErrorKind,
    net::SocketAddr,
    time::{Duration, Instant},
};

use pcaps_sim::{ErrorKind, Simulator};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Answer, BUCKET, Outcome, World, objects};

/// The address and port of a simulator.
fn address(world: &World) -> String {
    world
        .simulator
        .base_url()
        .trim_start_matches("http://")
        .trim_end_matches("/client/v4")
        .to_owned()
}

#[tokio::test]
async fn unknown_paths_are_not_found() -> Outcome {
    let world = World::new().await?;
    for path in [
        "/",
        "/x/y",
        "/x/download/",
        "/ownership/",
        "/ownership/x/y",
        "s",
        "/x/stop/now",
    ] {
        world.get(path).await?.assert_failure(404, None);
    }
    for path in ["", "/accounts", "/accounts/x/magic"] {
        let url = format!("{}{path}", world.simulator.base_url());
        Answer::of(world.http.get(url))
            .await?
            .assert_failure(404, None);
    }
    Ok(())
}

#[tokio::test]
async fn paths_that_lead_upwards_are_not_found() -> Outcome {
    let world = World::new().await?;
    // By hand: a client would tidy them up.
    for path in [
        "/client/v4/../../etc/passwd",
        "/../../etc/passwd",
        "/client/v4/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
    ] {
        let mut stream = TcpStream::connect(address(&world)).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
        assert!(answer.contains("\"code\":7000"), "{path}: {answer}");
    }
    Ok(())
}

#[tokio::test]
async fn wrong_methods_are_not_allowed() -> Outcome {
    let world = World::new().await?;
    for (method, path) in [
        (Method::DELETE, ""),
        (Method::PUT, "/x"),
        (Method::DELETE, "/x"),
        (Method::POST, "/x/download"),
        (Method::POST, "/x/stop"),
        (Method::GET, "/x/stop"),
        (Method::PUT, "/ownership"),
        (Method::GET, "/ownership/validate"),
        (Method::GET, "/ownership/x"),
    ] {
        Answer::of(world.request(method, path))
            .await?
            .assert_failure(405, None);
    }
    Ok(())
}

#[tokio::test]
async fn both_credentials_let_through() -> Outcome {
    let world = World::with(|it| it.token("open-sesame")).await?;
    assert_eq!(world.simulator.token().expose(), "open-sesame");
    Answer::of(world.bare(Method::GET, "").bearer_auth("open-sesame"))
        .await?
        .result()?;
    let key = world
        .bare(Method::GET, "")
        .header("X-Auth-Email", "anyone@example.com")
        .header("X-Auth-Key", "open-sesame");
    Answer::of(key).await?.result()?;
    Ok(())
}

#[tokio::test]
async fn other_credentials_do_not() -> Outcome {
    let world = World::with(|it| it.token("open-sesame")).await?;
    let request = || world.bare(Method::GET, "");
    for request in [
        request(),
        request().bearer_auth("open-sesam"),
        request().bearer_auth("open-sesame-street"),
        request().bearer_auth(""),
        request().header("Authorization", "open-sesame"),
        request().header("Authorization", "Basic open-sesame"),
        request().header("Authorization", &b"Bearer \xff\xfe"[..]),
        request().header("X-Auth-Key", "open-sesame"),
        request().header("X-Auth-Email", "anyone@example.com"),
        request()
            .header("X-Auth-Email", "anyone@example.com")
            .header("X-Auth-Key", "Open-sesame"),
        request()
            .bearer_auth("wrong")
            .header("X-Auth-Email", "anyone@example.com")
            .header("X-Auth-Key", "open-sesame"),
    ] {
        let answer = Answer::of(request).await?;
        answer.assert_failure(401, None);
        assert_eq!(answer.body["errors"][0]["code"], 10000);
        assert!(!answer.body.to_string().contains("open-sesame"));
    }
    Ok(())
}

#[tokio::test]
async fn other_accounts_are_forbidden() -> Outcome {
    let world = World::with(|it| it.account_id("ours")).await?;
    let ask = async |account: &str| {
        let url = format!("{}/accounts/{account}/pcaps", world.simulator.base_url());
        let token = world.simulator.token().expose();
        Answer::of(world.http.get(url).bearer_auth(token)).await
    };
    ask("ours").await?.result()?;
    ask("theirs").await?.assert_failure(403, None);
    ask("%6furs").await?.result()?;
    for malformed in ["o%20rs", "%ff", "%2e%2e%2f", &"o".repeat(33)] {
        ask(malformed).await?.assert_failure(400, None);
    }
    Ok(())
}

#[tokio::test]
async fn malformed_ids_are_refused() -> Outcome {
    let world = World::new().await?;
    let long = "0".repeat(33);
    for id in [long.as_str(), "a%20b", "%ff", "%00", "..%2f"] {
        world
            .get(&format!("/{id}"))
            .await?
            .assert_failure(400, None);
        let removal = world.request(Method::DELETE, &format!("/ownership/{id}"));
        Answer::of(removal).await?.assert_failure(400, None);
    }
    Ok(())
}

#[tokio::test]
async fn unknown_captures_are_not_found() -> Outcome {
    let world = World::new().await?;
    let id = "0".repeat(32);
    for (method, path) in [
        (Method::GET, format!("/{id}")),
        (Method::GET, format!("/{id}/download")),
        (Method::PUT, format!("/{id}/stop")),
    ] {
        Answer::of(world.request(method, &path))
            .await?
            .assert_failure(404, None);
    }
    Ok(())
}

#[tokio::test]
async fn bodies_must_be_json_objects_of_modest_size() -> Outcome {
    let world = World::new().await?;
    let deep = "[".repeat(10_000);
    for path in ["", "/ownership", "/ownership/validate"] {
        for body in [
            "",
            "{",
            "[]",
            "null",
            "\"simple\"",
            "{\"type\": \u{0}}",
            deep.as_str(),
        ] {
            let request = world.request(Method::POST, path).body(body.to_owned());
            Answer::of(request).await?.assert_failure(400, None);
        }
        let request = world.request(Method::POST, path).body(vec![0xff, 0xfe]);
        Answer::of(request).await?.assert_failure(400, None);
        let large = json!({ "type": "x".repeat(64 * 1024) });
        world.post(path, &large).await?.assert_failure(413, None);
    }
    Ok(())
}

#[tokio::test]
async fn defaults_are_random_and_hidden() -> Outcome {
    let (one, other) = (World::new().await?, World::new().await?);
    let ids = [one.simulator.account_id(), other.simulator.account_id()];
    assert_ne!(ids[0], ids[1]);
    assert_eq!(ids[0].len(), 32);
    let token = one.simulator.token().expose();
    assert_ne!(token, other.simulator.token().expose());
    assert!(token.len() >= 40);
    let shown = format!(
        "{:?} {:?}",
        one.simulator,
        Simulator::builder().token(token)
    );
    assert!(!shown.contains(token), "{shown}");
    Ok(())
}

#[tokio::test]
async fn a_taken_port_is_named() -> Outcome {
    let world = World::new().await?;
    let taken: SocketAddr = address(&world).parse()?;
    let Err(error) = Simulator::builder().listen(taken).start().await else {
        return Err("it listens twice".into());
    };
    assert!(error.is_address_in_use());
    assert_eq!(
        error.to_string(),
        format!(
            "cannot listen at {taken}: another program does; end it, or choose another port (0 takes any free one)"
        )
    );
    let source =
        std::error::Error::source(&error).and_then(|it| it.downcast_ref::<std::io::Error>());
    assert_eq!(
        source.map(std::io::Error::kind),
        Some(IoErrorKind::AddrInUse)
    );
    Ok(())
}

#[tokio::test]
async fn impossible_credentials_are_refused() -> Outcome {
    for builder in [
        Simulator::builder().token(""),
        Simulator::builder().token("two words"),
        Simulator::builder().token("line\nbreak"),
        Simulator::builder().account_id(""),
        Simulator::builder().account_id("../.."),
        Simulator::builder().account_id("0".repeat(33)),
    ] {
        match builder.start().await {
            Ok(_) => return Err("it started".into()),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Credentials),
        }
    }
    Ok(())
}

#[tokio::test]
async fn it_ends_when_it_is_shut_down_or_dropped() -> Outcome {
    let world = World::new().await?;
    world.get("").await?.result()?;
    let url = world.simulator.base_url().to_owned();
    world.simulator.shutdown().await;
    assert!(world.http.get(url).send().await.is_err());

    let world = World::new().await?;
    let address = address(&world);
    drop(world);
    // The task ends once the runtime gets to it.
    let patience = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(&address).await.is_ok() {
        assert!(Instant::now() < patience, "it still listens");
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Registers a bucket, in two halves with `end` between them, and asserts that nothing came of it.
async fn assert_ends(end: impl AsyncFnOnce(Simulator)) -> Outcome {
    let world = World::new().await?;
    let mut stream = TcpStream::connect(address(&world)).await?;
    let body = json!({ "destination_conf": BUCKET }).to_string();
    let request = format!(
        "POST /client/v4/accounts/{}/pcaps/ownership HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer \
         {}\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        world.simulator.account_id(),
        world.simulator.token().expose(),
        body.len(),
    );
    stream.write_all(request.as_bytes()).await?;
    // It is being served: somebody waits for the body.
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await?;
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");

    let buckets = world.simulator.buckets().clone();
    end(world.simulator).await;
    let _ = stream.write_all(body.as_bytes()).await;
    let mut answer = Vec::new();
    // It may also be reset.
    let _ = stream.read_to_end(&mut answer).await;
    assert_eq!(String::from_utf8_lossy(&answer), "");
    let written = objects(&buckets).await?;
    assert!(written.is_empty(), "{written:?}");
    Ok(())
}

#[tokio::test]
async fn nothing_is_served_after_a_shutdown() -> Outcome {
    assert_ends(async |simulator| {
        // So that the grace passes at once.
        tokio::time::pause();
        simulator.shutdown().await;
        tokio::time::resume();
    })
    .await
}

#[tokio::test]
async fn nothing_is_served_after_a_drop() -> Outcome {
    assert_ends(async |simulator| drop(simulator)).await
}

#[tokio::test]
async fn the_generated_client_understands_it() -> Outcome {
    let world = World::new().await?;
    let mut headers = reqwest::header::HeaderMap::new();
    let token = format!("Bearer {}", world.simulator.token().expose());
    headers.insert("authorization", token.parse()?);
    let http = reqwest::Client::builder()
        .no_proxy()
        .default_headers(headers)
        .build()?;
    let client = pcaps_api::Client::new(world.simulator.base_url(), http);
    let account = world.simulator.account_id().parse()?;

    let request: pcaps_api::CaptureRequest = serde_json::from_value(crate::support::sample())?;
    let started = client.start_capture(&account, &request).await?.into_inner();
    assert_eq!(started.success, Some(true));
    let Some(pcaps_api::Capture::Simple(capture)) = started.result else {
        return Err("not a simple capture".into());
    };
    let listed = client.list_captures(&account).await?.into_inner();
    let first = listed.result.into_iter().flatten().next();
    let first = serde_json::to_value(first)?;
    assert_eq!(first["id"], Value::from(capture.id));
    assert_eq!(first["type"], "simple");
    Ok(())
}
