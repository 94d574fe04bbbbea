//! Faults on order, as an HTTP client meets them.

use pcaps_sim::{
    Simulator,
    faults::{Delivery, Fault, FaultServer, Framing, Operation, Place},
};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::support::{Outcome, World, sample};

/// A fault server before a world's simulator.
struct Front {
    world: World,
    server: FaultServer,
}

impl Front {
    async fn new() -> Outcome<Self> {
        let world = World::new().await?;
        let server = FaultServer::before(&world.simulator).await?;
        Ok(Self { world, server })
    }

    /// A request with credentials.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let (base, account) = (self.server.base_url(), self.world.simulator.account_id());
        let url = format!("{base}/accounts/{account}/pcaps{path}");
        let token = self.world.simulator.token().expose();
        self.world.http.request(method, url).bearer_auth(token)
    }

    async fn status(&self, path: &str) -> Outcome<u16> {
        let response = self.request(Method::GET, path).send().await?;
        Ok(response.status().as_u16())
    }

    /// How many captures there are.
    async fn captures(&self) -> Outcome<Option<usize>> {
        let answer = self.world.get("").await?;
        Ok(answer.result()?.as_array().map(Vec::len))
    }
}

fn status(status: u16) -> Fault {
    Fault::answer(status, "", "")
}

#[test]
fn operations_are_those_of_the_description() -> Outcome {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../spec/pcaps.json");
    let description: Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let mut found = Vec::new();
    for (path, item) in description["paths"].as_object().ok_or("no paths")? {
        for (method, operation) in item.as_object().ok_or("no item")? {
            let Some(id) = operation["operationId"].as_str() else {
                continue;
            };
            let path = format!("/client/v4{path}?query");
            let operation = Operation::of(&method.to_uppercase(), &path).ok_or(id)?;
            assert_eq!(operation.as_str(), id);
            assert_eq!(operation.to_string(), id);
            found.push(operation);
        }
    }
    found.sort();
    assert_eq!(found, Operation::ALL);
    for (method, path) in [
        ("PUT", "/client/v4/accounts/a/pcaps"),
        ("GET", "/client/v4/accounts/a/pcaps/"),
        ("GET", "/client/v4/accounts/a/pcaps/ownership/x"),
        ("GET", "/client/v4/accounts/a/pcaps/x/y"),
        ("GET", "/client/v4/accounts/a/magic"),
        ("GET", "/accounts/a/pcaps"),
        ("GET", ""),
    ] {
        assert_eq!(Operation::of(method, path), None, "{method} {path}");
    }
    let head = Operation::of("HEAD", "/client/v4/accounts/a/pcaps/x/download");
    assert_eq!(head, Some(Operation::DownloadCapture));
    Ok(())
}

#[tokio::test]
async fn what_is_not_spoilt_passes() -> Outcome {
    let front = Front::new().await?;
    let response = front.request(Method::POST, "").json(&sample()).send();
    let response = response.await?;
    assert_eq!(response.status(), 200);
    assert!(response.headers()["cf-ray"].to_str()?.ends_with("-SIM"));
    let body: Value = response.json().await?;
    let id = body["result"]["id"].as_str().ok_or("no id")?;
    let response = front.request(Method::GET, &format!("/{id}/download"));
    let bytes = response.send().await?.bytes().await?;
    assert_eq!(bytes, front.world.download(id).await?);
    assert_eq!(front.status("/x/y").await?, 404);

    let requests = front.server.requests();
    let operations: Vec<_> = requests.iter().map(|it| it.operation).collect();
    assert_eq!(
        operations,
        [
            Some(Operation::StartCapture),
            Some(Operation::DownloadCapture),
            None
        ]
    );
    assert!(requests.iter().all(|it| it.reached));
    assert_eq!(requests[0].header("content-type"), Some("application/json"));
    assert_eq!(
        serde_json::from_slice::<Value>(&requests[0].body)?,
        sample()
    );
    Ok(())
}

#[tokio::test]
async fn each_operation_has_a_queue() -> Outcome {
    let front = Front::new().await?;
    front
        .server
        .next(Operation::ListCaptures, status(501))
        .next(Operation::ListBuckets, status(502))
        .next(Operation::ListCaptures, Fault::default())
        .next(Operation::ListCaptures, status(503))
        .always(Operation::ListCaptures, status(504));
    assert_eq!(front.status("").await?, 501);
    assert_eq!(front.status("").await?, 200);
    assert_eq!(front.status("/ownership").await?, 502);
    assert_eq!(front.status("/ownership").await?, 200);
    assert_eq!(front.status("").await?, 503);
    assert_eq!(front.status("").await?, 504);
    assert_eq!(front.status("").await?, 504);
    front.server.next(Operation::ListCaptures, status(505));
    assert_eq!(front.status("").await?, 505);
    front.server.next(Operation::ListCaptures, status(505));
    front.server.clear();
    assert_eq!(front.status("").await?, 200);
    Ok(())
}

#[tokio::test]
async fn a_request_takes_effect_unless_it_is_unseen() -> Outcome {
    let front = Front::new().await?;
    let reset = || Fault::new(Delivery::Reset(Place::BeforeHead));
    front
        .server
        .next(Operation::StartCapture, reset())
        .next(Operation::StartCapture, reset().unseen())
        .next(Operation::StartCapture, status(502))
        .next(Operation::StartCapture, status(502).unseen());
    for (captures, answer) in [(1, None), (1, None), (2, Some(502)), (2, Some(502))] {
        let sent = front.request(Method::POST, "").json(&sample()).send();
        assert_eq!(sent.await.ok().map(|it| it.status().as_u16()), answer);
        assert_eq!(front.captures().await?, Some(captures));
    }
    let requests = front.server.requests();
    let reached: Vec<_> = requests.iter().map(|it| it.reached).collect();
    assert_eq!(reached, [true, false, true, false]);
    Ok(())
}

#[tokio::test]
async fn parts_of_an_answer_are_replaced() -> Outcome {
    let front = Front::new().await?;
    front
        .server
        .next(
            Operation::ListCaptures,
            Fault::default()
                .header("Retry-After", "7")
                .header("CF-Ray", "abc-ORD")
                .without_header("content-type"),
        )
        .next(Operation::ListCaptures, Fault::default().body("[]"))
        .next(
            Operation::ListCaptures,
            Fault::answer(302, "text/html", "<p>").header("location", "https://elsewhere.example/"),
        )
        .next(
            Operation::ListCaptures,
            Fault::answer(500, "", "").without_header("cf-ray"),
        );
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let mut answers = Vec::new();
    for _ in 0..4 {
        let request = front.request(Method::GET, "").build()?;
        answers.push(http.execute(request).await?);
    }
    let header = |at: usize, name: &str| {
        let value = answers[at].headers().get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    assert_eq!(header(0, "retry-after").as_deref(), Some("7"));
    assert_eq!(header(0, "cf-ray").as_deref(), Some("abc-ORD"));
    assert_eq!(header(0, "content-type"), None);
    assert_eq!(
        header(1, "content-type").as_deref(),
        Some("application/json")
    );
    let location = header(2, "location");
    assert_eq!(location.as_deref(), Some("https://elsewhere.example/"));
    assert!(header(2, "cf-ray").is_some_and(|it| it.ends_with("-SIM")));
    assert_eq!(header(3, "cf-ray"), None);
    assert_eq!(header(3, "content-type"), None);
    let mut texts = Vec::new();
    for answer in answers {
        texts.push((answer.status().as_u16(), answer.text().await?));
    }
    assert!(texts[0].1.contains("\"success\":true"));
    assert_eq!(texts[1], (200, "[]".to_owned()));
    assert_eq!(texts[2], (302, "<p>".to_owned()));
    assert_eq!(texts[3], (500, String::new()));
    Ok(())
}

#[tokio::test]
async fn clients_notice_what_can_be_noticed() -> Outcome {
    let front = Front::new().await?;
    let id = front.world.start(&sample()).await?;
    let file = front.world.download(&id).await?;
    let path = format!("/{id}/download");
    let cut = Delivery::Close(Place::Body(10_000));
    let fault = Fault::default;
    for (fault, arrives) in [
        (fault().framed(Framing::Chunked), Some(file.len())),
        (fault().delivered(Delivery::Trickle), Some(file.len())),
        (fault().framed(Framing::UntilClosed), Some(file.len())),
        (fault().framed(Framing::Claimed(100)), Some(100)),
        (fault().delivered(Delivery::Excess(100)), Some(file.len())),
        (fault().framed(Framing::Claimed(1 << 40)), None),
        (fault().delivered(cut), None),
        (fault().delivered(cut).framed(Framing::Chunked), None),
        // This is what nobody notices who does not look into the file.
        (
            fault().delivered(cut).framed(Framing::UntilClosed),
            Some(10_000),
        ),
        (
            fault()
                .delivered(Delivery::Reset(Place::Body(10_000)))
                .framed(Framing::UntilClosed),
            None,
        ),
        (
            fault().body(vec![b'y'; 3_000_000]).framed(Framing::Chunked),
            Some(3_000_000),
        ),
    ] {
        let description = format!("{fault:?}");
        front.server.next(Operation::DownloadCapture, fault);
        let response = front.request(Method::GET, &path).send().await?;
        assert_eq!(response.status(), 200);
        let bytes = response.bytes().await;
        assert_eq!(bytes.ok().map(|it| it.len()), arrives, "{description}");
    }
    Ok(())
}

#[tokio::test]
async fn nothing_secret_is_printed() -> Outcome {
    let front = Front::new().await?;
    let key = "key-that-must-not-be-shown";
    let response = front
        .request(Method::POST, "/ownership")
        .header("X-Auth-Key", key)
        .header("x-other", "shown")
        .body(format!("{{\"destination_conf\": \"r2://{key}\"}}"));
    response.send().await?;
    let requests = front.server.requests();
    let token = front.world.simulator.token().expose();
    assert_eq!(requests[0].header("x-auth-key"), Some(key));
    assert!(
        requests[0]
            .header("authorization")
            .is_some_and(|it| it.contains(token))
    );
    let text = format!("{requests:?} {:#?} {:?}", requests, front.server);
    assert!(text.contains("shown"));
    assert!(!text.contains(key), "{text}");
    assert!(!text.contains(token), "{text}");
    let fault = format!("{:?}", Fault::answer(200, "", "body").body("other body"));
    assert!(!fault.contains("body\""), "{fault}");
    Ok(())
}

#[tokio::test]
async fn a_server_outlives_its_simulator() -> Outcome {
    let simulator = Simulator::builder().start().await?;
    let server = FaultServer::before(&simulator).await?;
    drop(simulator);
    let http = reqwest::Client::builder().no_proxy().build()?;
    let list = format!("{}/accounts/a/pcaps", server.base_url());
    assert!(http.get(&list).send().await.is_err());
    server.next(Operation::ListCaptures, status(500).unseen());
    assert_eq!(http.get(&list).send().await?.status(), 500);
    Ok(())
}
