//! The page for people, and the description, at the simulator's own address.

use std::net::SocketAddr;

use pcaps_sim::faults::FaultServer;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Answer, BUCKET, Outcome, World, but, full, sample};

/// A bucket with keys.
const R2: &str =
    "r2://captures/edge?account-id=acc&access-key-id=r2-key-id&secret-access-key=r2-secret";

async fn ask(world: &World, method: Method, path: &str) -> Outcome<Response> {
    let url = world.simulator.page_url().to_owned() + path;
    Ok(world.http.request(method, url).send().await?)
}

async fn page(world: &World) -> Outcome<String> {
    let response = ask(world, Method::GET, "").await?;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        response.headers()["content-type"],
        "text/html; charset=utf-8"
    );
    Ok(response.text().await?)
}

/// What is in the cells of the row that has this text.
fn row(page: &str, text: &str) -> Outcome<String> {
    let mut rows = page.split("<tr>").skip(1).filter(|it| it.contains(text));
    let row = rows.next().ok_or_else(|| format!("no {text}: {page}"))?;
    assert_eq!(rows.next(), None, "one row has {text}");
    let row = row.split("</tr>").next().unwrap_or_default();
    let mut words = String::new();
    for piece in row.split('<') {
        let text = piece.split_once('>').map_or("", |(_, text)| text);
        if !text.is_empty() {
            words += if words.is_empty() { "" } else { "|" };
            words += text;
        }
    }
    Ok(words)
}

/// A simulator with something to see, whose control interface may be on.
async fn busy(controlled: bool) -> Outcome<World> {
    World::with(|it| {
        if controlled {
            it.control(SocketAddr::from(([127, 0, 0, 1], 0)))
        } else {
            it
        }
    })
    .await
}

#[tokio::test]
async fn captures_buckets_and_requests_are_seen() -> Outcome {
    for controlled in [false, true] {
        let world = busy(controlled).await?;
        let before = page(&world).await?;
        assert_eq!(before.matches("None yet.").count(), 2, "{before}");
        assert!(before.contains("None is registered."), "{before}");

        let ownership = world.register(BUCKET).await?;
        let name = ownership["filename"].as_str().ok_or("no name")?;
        let seen = row(&page(&world).await?, name)?;
        assert!(seen.contains("|pending|s3://captures/edge|"), "{seen}");
        world.prove(BUCKET).await?;
        let seen = row(&page(&world).await?, name)?;
        assert!(seen.contains("|success|"), "{seen}");
        assert!(seen.starts_with("2026-11-20 12:00:00|"), "{seen}");

        let filter =
            json!({ "protocol": 17, "source_address": "192.0.2.1", "destination_port": 53 });
        let limited = json!({ "filter_v1": filter, "offset_time": "2026-11-20T11:00:00Z" });
        let one = world.start(&but(sample(), &limited)).await?;
        world.pass(5);
        let two = world.start(&full()).await?;
        let shown = page(&world).await?;
        let seen = row(&shown, &format!("<code>{one}</code>"))?;
        assert_eq!(
            seen,
            format!(
                "2026-11-20 12:00:00|success|simple|{one}|60 s, 10,000 packets, until |2026-11-20 11:00:00|\
                 proto 17 and src host 192.0.2.1 and dst port 53"
            )
        );
        let seen = row(&shown, &format!("<code>{two}</code>"))?;
        assert_eq!(
            seen,
            format!(
                "2026-11-20 12:00:05|pending|full|0|{two}|60 s|every packet|ord02|s3://captures/edge"
            )
        );
        assert!(shown.find(&two) < shown.find(&one), "the newest first");

        world.pass(100);
        let seen = row(&page(&world).await?, &format!("<code>{two}</code>"))?;
        assert!(seen.contains("|success|full|"), "{seen}");
        assert!(!seen.contains("|0|"), "{seen}");
        assert!(!world.files(&two).await?.is_empty());

        world.get("/nobody?secret=query").await?;
        let shown = page(&world).await?;
        let path = format!(
            "/client/v4/accounts/{}/pcaps/nobody",
            world.simulator.account_id()
        );
        assert_eq!(
            row(&shown, "/nobody")?,
            format!("2026-11-20 12:01:45|404|get_capture|GET|{path}")
        );
        assert!(!shown.contains("secret=query"), "{shown}");
        assert!(shown.contains(world.simulator.base_url()), "{shown}");
        assert!(shown.contains("made up, seed 11"), "{shown}");
    }
    Ok(())
}

#[tokio::test]
async fn a_capture_that_fails_says_why() -> Outcome {
    let folder = tempfile::tempdir()?;
    let buckets = pcaps_sim::Buckets::folder(folder.path())?;
    let world = World::with(|it| it.buckets(buckets)).await?;
    world.prove(BUCKET).await?;
    let id = world.start(&full()).await?;
    // A file where a folder would have to be.
    let place = folder.path().join("s3/captures/edge");
    std::fs::remove_dir_all(&place)?;
    std::fs::write(&place, "")?;
    world.pass(100);
    let seen = row(&page(&world).await?, &format!("<code>{id}</code>"))?;
    let capture = world.get(&format!("/{id}")).await?;
    let reason = capture.result()?["error_message"]
        .as_str()
        .ok_or("no reason")?;
    assert!(seen.contains(&format!("|failed|{reason}|")), "{seen}");
    Ok(())
}

#[tokio::test]
async fn each_account_has_its_part() -> Outcome {
    let world = World::new().await?;
    let other = world.simulator.add_account()?;
    let answer = world
        .as_account(&other, Method::POST, "", &sample())
        .await?;
    let id = answer.result()?["id"].as_str().ok_or("no id")?.to_owned();
    let shown = page(&world).await?;
    let (first, second) = (
        shown.find(&format!(
            "<h2 id=\"account-{}\">",
            world.simulator.account_id()
        )),
        shown.find(&format!("<h2 id=\"account-{}\">", other.id)),
    );
    let row = shown.find(&format!("<code>{id}</code>"));
    assert!(first.is_some() && first < second && second < row, "{shown}");
    Ok(())
}

#[tokio::test]
async fn the_newest_fifty_are_shown() -> Outcome {
    let world = World::new().await?;
    let mut ids = Vec::new();
    for _ in 0..51 {
        let body = but(sample(), &json!({ "packet_limit": 1, "time_limit": 1 }));
        ids.push(world.start(&body).await?);
    }
    world.get("/newest").await?;
    let shown = page(&world).await?;
    assert!(!shown.contains(&ids[0]), "{shown}");
    for id in &ids[1..] {
        assert!(shown.contains(id), "{shown}");
    }
    assert_eq!(shown.matches("<td>start_capture</td>").count(), 49);
    assert!(
        shown.find("get_capture") < shown.find("start_capture"),
        "{shown}"
    );
    Ok(())
}

#[tokio::test]
async fn what_is_shown_is_text() -> Outcome {
    let world = World::with(|it| it.colos(["<b>ord</b>\"'&"])).await?;
    let conf = "gs://b/<script>alert(1)<,script>\"'&amp;?x=1";
    world.prove(conf).await?;
    let odd = json!({ "destination_conf": conf, "colo_name": "<b>ord</b>\"'&" });
    world.start(&but(full(), &odd)).await?;
    // It is refused, and so it is nowhere.
    let filter = json!({ "filter_v1": { "source_address": "<script>alert(2)</script>" } });
    let answer = world.post("", &but(sample(), &filter)).await?;
    answer.assert_failure(400, Some("/filter_v1/source_address"));
    // As no client would write it.
    let address = world.simulator.page_url();
    let address = address.trim_start_matches("http://").trim_end_matches('/');
    for line in [
        "GET /\"'onload=\"alert(3)&lt;b",
        "<SCRIPT> /odd",
        "A&'B /odd",
        "GET /<script>",
    ] {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("{line} HTTP/1.1\r\nhost: a\"><script>\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        stream.read_to_end(&mut Vec::new()).await?;
    }
    let shown = page(&world).await?;
    assert!(
        shown.contains("gs://b/&lt;script&gt;alert(1)&lt;,script&gt;&quot;'&amp;amp;"),
        "{shown}"
    );
    assert!(
        shown.contains("&lt;b&gt;ord&lt;/b&gt;&quot;'&amp;"),
        "{shown}"
    );
    assert!(
        shown.contains("/&quot;'onload=&quot;alert(3)&amp;lt;b"),
        "{shown}"
    );
    assert!(shown.contains("<td>A&amp;'B</td>"), "{shown}");
    assert!(!shown.contains("<script>"), "{shown}");
    assert!(!shown.contains("<SCRIPT>"), "{shown}");
    assert!(!shown.contains("<b>"), "{shown}");
    assert!(!shown.contains("alert(2)"), "{shown}");
    Ok(())
}

#[tokio::test]
async fn there_is_nothing_secret() -> Outcome {
    for controlled in [false, true] {
        let world = busy(controlled).await?;
        let other = world.simulator.add_account()?;
        let ownership = world.register(R2).await?;
        let challenge = world.challenge(&ownership).await?;
        world.prove(R2).await?;
        world
            .start(&but(full(), &json!({ "destination_conf": R2 })))
            .await?;
        let id = ownership["id"].as_str().ok_or("no id")?;
        // A URI where it does not belong.
        world
            .request(Method::DELETE, &format!("/ownership/{id}?{R2}"))
            .send()
            .await?;
        world.register(R2).await?;
        for path in ["", "openapi.json"] {
            let response = ask(&world, Method::GET, path).await?;
            let seen = format!(
                "{:?} {}",
                response.headers().clone(),
                response.text().await?
            );
            for secret in [
                world.simulator.token().expose(),
                world.simulator.read_token().expose(),
                other.token.expose(),
                other.read_token.expose(),
                "r2-key-id",
                "r2-secret",
                &challenge,
            ] {
                assert!(!seen.contains(secret), "{path} has {secret}");
            }
        }
        let shown = page(&world).await?;
        assert!(shown.contains("<code>r2://captures/edge</code>"), "{shown}");
        assert!(!shown.to_lowercase().contains("bearer"), "{shown}");
    }
    Ok(())
}

#[tokio::test]
async fn it_needs_nothing_and_may_load_nothing() -> Outcome {
    let world = World::new().await?;
    let mut nonces = Vec::new();
    for _ in 0..2 {
        let response = ask(&world, Method::GET, "").await?;
        let headers = response.headers().clone();
        for (name, value) in [
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(headers[name], value);
        }
        let policy = headers["content-security-policy"].to_str()?;
        let (_, nonce) = policy.split_once("script-src 'nonce-").ok_or("no nonce")?;
        let nonce = nonce.split('\'').next().unwrap_or_default().to_owned();
        let allowed: Vec<_> = policy.split("; ").collect();
        assert_eq!(
            allowed,
            [
                "default-src 'none'",
                "base-uri 'none'",
                "connect-src 'self'",
                "form-action 'none'",
                "frame-ancestors 'none'",
                "img-src data:",
                &format!("script-src 'nonce-{nonce}'"),
                &format!("style-src 'nonce-{nonce}'"),
            ]
        );
        let page = response.text().await?;
        assert_eq!(page.matches(&format!(" nonce=\"{nonce}\"")).count(), 2);
        for outside in ["http://", "https://", "src=", "url(", "@import"] {
            let page = page.replace(world.simulator.base_url(), "");
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(
            page.contains("<noscript><meta http-equiv=\"refresh\""),
            "{page}"
        );
        nonces.push(nonce);
    }
    assert_eq!(nonces[0].len(), 32);
    assert_ne!(nonces[0], nonces[1]);
    Ok(())
}

#[tokio::test]
async fn looking_is_neither_counted_nor_remembered() -> Outcome {
    for controlled in [false, true] {
        let world = busy(controlled).await?;
        for path in ["", "openapi.json", "?page=1"] {
            for method in [Method::GET, Method::HEAD] {
                let response = ask(&world, method.clone(), path).await?;
                assert_eq!(response.status(), StatusCode::OK, "{method} {path}");
                assert!(!response.headers().contains_key("ratelimit"));
                let is_empty = response.bytes().await?.is_empty();
                assert_eq!(is_empty, method == Method::HEAD);
            }
            let response = ask(&world, Method::POST, path).await?;
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
            let failure: Value = response.json().await?;
            assert_eq!(failure["errors"][0]["code"], 10405);
        }
        assert_eq!(world.simulator.requests(), []);
        // What is not there is what it was.
        for path in [
            "favicon.ico",
            "openapi.yaml",
            "client/v4",
            "index.html",
            "/",
        ] {
            let url = world.simulator.page_url().to_owned() + path;
            Answer::of(world.http.get(url))
                .await?
                .assert_failure(404, None);
        }
        assert_eq!(world.simulator.requests().len(), 5);
    }
    Ok(())
}

#[tokio::test]
async fn it_is_there_when_all_else_is_refused() -> Outcome {
    let world = World::with(|it| it.unlimited(false)).await?;
    let mut last = world.get("").await?;
    for _ in 0..1_200 {
        last = world.get("").await?;
    }
    last.assert_failure(429, None);
    assert!(page(&world).await?.contains(">429<"));
    Ok(())
}

#[tokio::test]
async fn a_fault_server_has_one_of_its_own() -> Outcome {
    let world = World::new().await?;
    let server = FaultServer::before(&world.simulator).await?;
    let id = world.start(&sample()).await?;
    let url = server.base_url().replace("client/v4", "");
    world.http.get(format!("{url}odd")).send().await?;
    let shown = world.http.get(url).send().await?.text().await?;
    assert!(shown.contains(&id), "{shown}");
    assert!(shown.contains("<code>/odd</code>"), "{shown}");
    assert!(!shown.contains("start_capture"), "{shown}");
    assert!(shown.contains(server.base_url()), "{shown}");
    assert_eq!(server.requests().len(), 1);
    Ok(())
}

#[tokio::test]
async fn the_description_is_of_this_server() -> Outcome {
    let world = World::new().await?;
    let url = format!("{}openapi.json", world.simulator.page_url());
    for (host, server) in [
        (None, world.simulator.base_url()),
        (
            Some("sim.example.com:81"),
            "http://sim.example.com:81/client/v4",
        ),
        (Some("sim/../evil"), "/client/v4"),
        (Some("user@sim"), "/client/v4"),
        (Some("sim:99999"), "/client/v4"),
    ] {
        let mut request = world.http.get(&url);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let response = request.send().await?;
        assert_eq!(response.headers()["content-type"], "application/json");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let mut said: Value = response.json().await?;
        let servers = said["servers"].take();
        assert_eq!(servers.as_array().map(Vec::len), Some(1));
        assert_eq!(servers[0]["url"], server);
        let mut ours: Value = serde_json::from_str(include_str!("../../../../spec/pcaps.json"))?;
        ours["servers"].take();
        assert_eq!(said, ours);
    }
    Ok(())
}
