//! A simulator whose clock a test moves, and a client of it.

use std::{
    error::Error,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::TryStreamExt;
use jiff::{SignedDuration, Timestamp};
use pcaps_file::{LinkType, Reader};
use pcaps_sim::{
    Access, Buckets, Simulator, SimulatorBuilder, Traffic,
    object_store::{ObjectMeta, ObjectStore as _, ObjectStoreExt, path::Path as Key},
};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The traffic of every test.
pub(crate) const SEED: u64 = 11;

/// A bucket that needs no keys.
pub(crate) const BUCKET: &str = "s3://captures/edge?region=eu-west-2";

#[derive(Clone)]
pub(crate) struct Hands(Arc<Mutex<Timestamp>>);

impl Hands {
    pub(crate) fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, moment: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = moment;
    }
}

pub(crate) struct World {
    pub(crate) simulator: Simulator,
    pub(crate) http: reqwest::Client,
    pub(crate) clock: Hands,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

/// A packet as a file has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Packet {
    pub(crate) nanos: u64,
    pub(crate) original_len: u32,
    pub(crate) bytes: Vec<u8>,
}

impl World {
    pub(crate) async fn new() -> Outcome<Self> {
        Self::with(|builder| builder).await
    }

    pub(crate) async fn with(
        set: impl FnOnce(SimulatorBuilder) -> SimulatorBuilder,
    ) -> Outcome<Self> {
        let clock = Hands(Arc::new(Mutex::new("2026-11-20T12:00:00.269047Z".parse()?)));
        let hands = clock.clone();
        let builder = Simulator::builder()
            .unlimited(true)
            .traffic(Traffic::synthetic(SEED))
            .clock(move || hands.now());
        Ok(Self {
            simulator: set(builder).start().await?,
            http: reqwest::Client::builder().no_proxy().build()?,
            clock,
        })
    }

    /// Moves the clock.
    pub(crate) fn pass(&self, seconds: i64) {
        self.clock
            .set(self.clock.now() + SignedDuration::from_secs(seconds));
    }

    /// A request without credentials.
    pub(crate) fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        let (base, account) = (self.simulator.base_url(), self.simulator.account_id());
        self.http
            .request(method, format!("{base}/accounts/{account}/pcaps{path}"))
    }

    /// A request with credentials.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path)
            .bearer_auth(self.simulator.token().expose())
    }

    pub(crate) async fn get(&self, path: &str) -> Outcome<Answer> {
        Answer::of(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Outcome<Answer> {
        Answer::of(self.request(Method::POST, path).json(body)).await
    }

    /// A request of another account; without a body where that is null.
    pub(crate) async fn as_account(
        &self,
        access: &Access,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Outcome<Answer> {
        let (base, account) = (self.simulator.base_url(), &access.id);
        let url = format!("{base}/accounts/{account}/pcaps{path}");
        let request = self
            .http
            .request(method, url)
            .bearer_auth(access.token.expose());
        Answer::of(if body.is_null() {
            request
        } else {
            request.json(body)
        })
        .await
    }

    /// Starts a capture, and gives its id.
    pub(crate) async fn start(&self, body: &Value) -> Outcome<String> {
        let answer = self.post("", body).await?;
        Ok(answer.result()?["id"].as_str().ok_or("no id")?.to_owned())
    }

    /// The bytes of a simple capture.
    pub(crate) async fn download(&self, id: &str) -> Outcome<Vec<u8>> {
        let path = format!("/{id}/download");
        let response = self.request(Method::GET, &path).send().await?;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(
            response.headers()["content-type"],
            "application/vnd.tcpdump.pcap"
        );
        let length: usize = response.headers()["content-length"].to_str()?.parse()?;
        let bytes = response.bytes().await?;
        assert_eq!(bytes.len(), length);
        Ok(bytes.into())
    }

    /// Registers a bucket, and gives what the service says of it.
    pub(crate) async fn register(&self, conf: &str) -> Outcome<Value> {
        let body = json!({ "destination_conf": conf });
        let answer = self.post("/ownership", &body).await?;
        Ok(answer.result()?.clone())
    }

    /// The content of a bucket's challenge file.
    pub(crate) async fn challenge(&self, ownership: &Value) -> Outcome<String> {
        let conf = ownership["destination_conf"].as_str().ok_or("no conf")?;
        let name = ownership["filename"].as_str().ok_or("no name")?;
        let (store, directory) = self.simulator.buckets().place(conf)?;
        let content = store.get(&directory.join(name)).await?.bytes().await?;
        Ok(String::from_utf8(content.into())?)
    }

    /// Registers and validates a bucket.
    pub(crate) async fn prove(&self, conf: &str) -> Outcome<Value> {
        let ownership = self.register(conf).await?;
        let challenge = self.challenge(&ownership).await?;
        let conf = conf.split("?account-id").next();
        let body = json!({ "destination_conf": conf, "ownership_challenge": challenge });
        let answer = self.post("/ownership/validate", &body).await?;
        Ok(answer.result()?.clone())
    }

    /// What the bucket holds of a capture: keys and contents.
    pub(crate) async fn files(&self, id: &str) -> Outcome<Vec<(Key, Vec<u8>)>> {
        files(self.simulator.buckets(), id).await
    }
}

/// Everything in the store that has all buckets which are not mapped.
pub(crate) async fn objects(buckets: &Buckets) -> Outcome<Vec<ObjectMeta>> {
    let (store, _) = buckets.place(BUCKET)?;
    Ok(store.list(None).try_collect().await?)
}

pub(crate) async fn files(buckets: &Buckets, id: &str) -> Outcome<Vec<(Key, Vec<u8>)>> {
    let all = objects(buckets).await?;
    let (store, _) = buckets.place(BUCKET)?;
    let mut found = Vec::new();
    for meta in all {
        if meta.location.as_ref().contains(id) {
            let content = store.get(&meta.location).await?.bytes().await?;
            found.push((meta.location, content.into()));
        }
    }
    found.sort();
    Ok(found)
}

impl Answer {
    pub(crate) async fn of(request: RequestBuilder) -> Outcome<Self> {
        let response = request.send().await?;
        let status = response.status();
        let ray = response
            .headers()
            .get("cf-ray")
            .ok_or("no trace")?
            .to_str()?;
        let (digits, place) = ray.split_once('-').ok_or("not a trace")?;
        assert_eq!(place, "SIM");
        assert_eq!(digits.len(), 16);
        assert!(digits.chars().all(|c| c.is_ascii_hexdigit()));
        let text = response.text().await?;
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text)?
        };
        Ok(Self { status, body })
    }

    /// The result of a success.
    pub(crate) fn result(&self) -> Outcome<&Value> {
        if self.status != StatusCode::OK {
            return Err(format!("{}: {}", self.status, self.body).into());
        }
        assert_eq!(self.body["success"], true);
        assert_eq!(self.body["errors"], json!([]));
        assert_eq!(self.body["messages"], json!([]));
        Ok(&self.body["result"])
    }

    /// Asserts that it is a failure of this status, and of one error about this place of the body.
    #[track_caller]
    pub(crate) fn assert_failure(&self, status: u16, pointer: Option<&str>) {
        let Self { status: is, body } = self;
        assert_eq!(is.as_u16(), status, "{body}");
        assert_eq!(body["success"], false, "{body}");
        assert_eq!(body["messages"], json!([]), "{body}");
        // There, and null.
        assert_eq!(body.get("result"), Some(&Value::Null), "{body}");
        assert_eq!(body["errors"].as_array().map(Vec::len), Some(1), "{body}");
        let error = &body["errors"][0];
        assert!(error["code"].as_i64() >= Some(1000), "{body}");
        assert!(!error["message"].as_str().unwrap_or_default().is_empty());
        assert_eq!(error["source"]["pointer"].as_str(), pointer, "{body}");
    }
}

/// A sample of everything in the last minute.
pub(crate) fn sample() -> Value {
    json!({ "type": "simple", "system": "magic-transit", "time_limit": 60, "packet_limit": 10_000 })
}

/// A full capture of everything in the next minute.
pub(crate) fn full() -> Value {
    json!({
        "type": "full",
        "system": "magic-transit",
        "time_limit": 60,
        "colo_name": "ord02",
        "destination_conf": BUCKET,
    })
}

/// A body with fields replaced, or taken out where the value is null.
pub(crate) fn but(mut body: Value, changes: &Value) -> Value {
    if let (Some(fields), Some(changes)) = (body.as_object_mut(), changes.as_object()) {
        for (name, value) in changes {
            if value.is_null() {
                fields.remove(name);
            } else {
                fields.insert(name.clone(), value.clone());
            }
        }
    }
    body
}

/// The packets of a classic pcap file of raw IP, whose header says this snap length.
pub(crate) fn packets(file: &[u8], snap_len: u32) -> Outcome<Vec<Packet>> {
    // Little-endian, microseconds, version 2.4.
    assert_eq!(
        file.get(..8),
        Some(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0][..])
    );
    assert_eq!(file.get(16..20), Some(&snap_len.to_le_bytes()[..]));
    let mut reader = Reader::new(file, "capture")?;
    let mut packets = Vec::new();
    while let Some(packet) = reader.next_packet()? {
        assert_eq!(packet.link_type, LinkType::RAW);
        packets.push(Packet {
            nanos: packet.timestamp.as_nanos(),
            original_len: packet.original_len,
            bytes: packet.bytes.to_vec(),
        });
    }
    Ok(packets)
}

/// The traffic between two moments, relative to `now`, each packet cut to `snap_len`.
pub(crate) fn traffic(
    now: Timestamp,
    seconds: std::ops::Range<i64>,
    snap_len: usize,
) -> Outcome<Vec<Packet>> {
    let moment = |seconds| -> Outcome<_> {
        let moment = now + SignedDuration::from_secs(seconds);
        let nanos = u64::try_from(moment.as_nanosecond())?;
        Ok(pcaps_file::Timestamp::from_nanos(nanos))
    };
    let window = moment(seconds.start)?..moment(seconds.end)?;
    let packets = Traffic::synthetic(SEED).packets(window);
    Ok(packets
        .map(|packet| Packet {
            nanos: packet.timestamp.as_nanos(),
            original_len: packet.original_len,
            bytes: packet.bytes.iter().copied().take(snap_len).collect(),
        })
        .collect())
}
