//! `pcaps fetch` from an S3 server on a real socket that does what servers do on bad days.
#![cfg(unix)]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::Read as _,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{Response, StatusCode, Uri, header},
};
use jiff::{SignedDuration, civil::DateTime, tz::TimeZone};
use pcaps_file::{LinkType, Packet, Reader, Summary, Timestamp, Writer, WriterOptions};
use serde_json::json;

use crate::{
    secrets::{self, KEY, KEY_ID},
    support::{ACCOUNT, ID, TOKEN, pcaps},
};

/// What a bucket holds and does. Of one request after the other.
#[derive(Default)]
struct Bucket {
    objects: BTreeMap<String, Bytes>,
    /// How many keys are on a page.
    page: usize,
    /// What the capture has taken, as the service says.
    reported: u64,
    /// Why it ended early, as the service says.
    failed: Option<&'static str>,
    /// How many requests are answered with 503 before one is taken.
    slow_downs: u32,
    /// Whether nobody's keys are known.
    is_locked: bool,
    /// How far the server's clock is ahead.
    ahead: SignedDuration,
    /// Where it is, if it minds.
    region: Option<&'static str>,
    /// Whether errors quote the keys.
    quotes: bool,
    /// What happens after the first page.
    after_a_page: Option<fn(&mut BTreeMap<String, Bytes>)>,
    gets: Vec<String>,
}

type Shared = Arc<Mutex<Bucket>>;

/// The service and the store behind one address.
struct Place {
    address: String,
    bucket: Shared,
    folder: tempfile::TempDir,
}

/// What a program did.
struct Ran {
    code: Option<i32>,
    said: String,
    /// The most memory that was seen, in bytes, without the program's own code: a debug build has much of that.
    memory: u64,
    /// How it stood in the list of processes.
    listed: String,
}

fn key(number: u32) -> String {
    format!("edge/server-{number:04}/pcap_{ID}.pcap")
}

/// A capture file of so many packets.
fn file(number: u32, packets: u32) -> Bytes {
    let mut writer = Writer::new(Vec::new(), WriterOptions::new(LinkType::RAW)).unwrap();
    for at in 0..packets {
        let packet = Packet {
            timestamp: Timestamp::from_parts(1_767_323_045 + at, number * 1_000),
            link_type: LinkType::RAW,
            original_len: 1_500,
            bytes: &[0x45; 1_000],
        };
        writer.write(&packet).unwrap();
    }
    writer.finish().unwrap().into()
}

fn answer(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
}

async fn serve(
    State(bucket): State<Shared>,
    uri: Uri,
    headers: header::HeaderMap,
) -> Response<Body> {
    let mut bucket = bucket.lock().unwrap();
    let (path, query) = (uri.path(), uri.query().unwrap_or_default());
    if path.starts_with("/client/") {
        let status = bucket.failed.map_or("success", |_| "failed");
        let capture = json!({
            "success": true, "errors": [], "messages": [],
            "result": {
                "id": ID, "type": "full", "system": "magic-transit", "status": status,
                "error_message": bucket.failed.unwrap_or_default(),
                "submitted": "2026-01-02T03:04:05.678901Z", "time_limit": 300, "colo_name": "ord02",
                "destination_conf": "s3://b/edge?region=us-east-1", "packets_captured": bucket.reported,
            },
        });
        let mut response = answer(StatusCode::OK, capture.to_string());
        let json = header::HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        return response;
    }
    let quoted = if bucket.quotes { KEY } else { "nothing" };
    let error = |status, code: &str| {
        let body =
            format!("<Error><Code>{code}</Code><Message>{quoted} is quoted</Message></Error>");
        answer(status, body)
    };
    if bucket.is_locked {
        return error(StatusCode::FORBIDDEN, "InvalidAccessKeyId");
    }
    let signed = DateTime::strptime("%Y%m%dT%H%M%SZ", headers["x-amz-date"].to_str().unwrap());
    let signed = TimeZone::UTC.to_timestamp(signed.unwrap()).unwrap();
    let now = jiff::Timestamp::now() + bucket.ahead;
    // As S3 has it.
    if now.duration_since(signed).abs() > SignedDuration::from_mins(15) {
        return error(StatusCode::FORBIDDEN, "RequestTimeTooSkewed");
    }
    let scope = headers[header::AUTHORIZATION].to_str().unwrap();
    if let Some(region) = bucket.region
        && !scope.contains(&format!("/{region}/s3/"))
    {
        let body = format!(
            "<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region is wrong</Message>\
             <Region>{region}</Region></Error>"
        );
        return answer(StatusCode::BAD_REQUEST, body);
    }
    if bucket.slow_downs > 0 {
        bucket.slow_downs -= 1;
        return error(StatusCode::SERVICE_UNAVAILABLE, "SlowDown");
    }
    if query.contains("list-type=2") {
        return answer(StatusCode::OK, page(&mut bucket, query));
    }
    let key = path.trim_start_matches("/b/").to_owned();
    bucket.gets.push(key.clone());
    let Some(bytes) = bucket.objects.get(&key).cloned() else {
        return error(StatusCode::NOT_FOUND, "NoSuchKey");
    };
    assert!(!headers.contains_key(header::RANGE), "nothing broke off");
    let mut response = answer(StatusCode::OK, bytes);
    let tag = header::HeaderValue::from_static("\"tag\"");
    response.headers_mut().insert(header::ETAG, tag);
    let time = header::HeaderValue::from_static("Fri, 02 Jan 2026 03:04:05 GMT");
    response.headers_mut().insert(header::LAST_MODIFIED, time);
    response
}

/// The keys after the one that the token names.
fn page(bucket: &mut Bucket, query: &str) -> String {
    let after = query
        .split('&')
        .find_map(|it| it.strip_prefix("continuation-token="))
        .map(|it| it.replace("%2F", "/"))
        .unwrap_or_default();
    let rest: Vec<_> = bucket
        .objects
        .iter()
        .filter(|(key, _)| **key > after)
        .collect();
    let page = bucket.page.max(1).min(rest.len());
    let mut text = String::from("<ListBucketResult><Name>b</Name>");
    for (key, bytes) in &rest[..page] {
        // Without quotes, as some servers have it.
        write!(
            text,
            "<Contents><Key>{key}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>tag</ETag>\
             <Size>{}</Size></Contents>",
            bytes.len()
        )
        .unwrap();
    }
    let is_truncated = page < rest.len();
    write!(text, "<IsTruncated>{is_truncated}</IsTruncated>").unwrap();
    if is_truncated {
        let last = rest[page - 1].0;
        write!(
            text,
            "<NextContinuationToken>{last}</NextContinuationToken>"
        )
        .unwrap();
    }
    if let Some(change) = bucket.after_a_page.take() {
        change(&mut bucket.objects);
    }
    text + "</ListBucketResult>"
}

impl Place {
    async fn new(files: u32, packets: u32) -> Self {
        let objects = (0..files).map(|it| (key(it), file(it, packets))).collect();
        let bucket = Arc::new(Mutex::new(Bucket {
            objects,
            page: 1_000,
            reported: u64::from(files * packets),
            ..Bucket::default()
        }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let router = Router::new()
            .fallback(serve)
            .with_state(Arc::clone(&bucket));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let folder = tempfile::tempdir().unwrap();
        Self {
            address,
            bucket,
            folder,
        }
    }

    fn with(&self, change: impl FnOnce(&mut Bucket)) {
        change(&mut self.bucket.lock().unwrap());
    }

    fn gets(&self) -> Vec<String> {
        std::mem::take(&mut self.bucket.lock().unwrap().gets)
    }

    fn fetch(&self, arguments: &[&str]) -> Command {
        self.set_up(pcaps(), arguments)
    }

    fn set_up(&self, mut command: Command, arguments: &[&str]) -> Command {
        command
            .current_dir(self.folder.path())
            .env(
                "CLOUDFLARE_BASE_URL",
                format!("http://{}/client/v4", self.address),
            )
            .env("CLOUDFLARE_API_TOKEN", TOKEN)
            .env("CLOUDFLARE_ACCOUNT_ID", ACCOUNT)
            .env("AWS_ACCESS_KEY_ID", KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", KEY)
            .args(["fetch", ID])
            .args(arguments)
            .args([
                "--bucket-map",
                &format!("s3://b=s3+http://{}/b", self.address),
            ])
            .args([
                "--bucket-map",
                &format!("r2://b=s3+http://{}/b", self.address),
            ]);
        command
    }

    fn packets(&self) -> u64 {
        packets(&self.folder.path().join("out.pcap"))
    }
}

fn packets(path: &Path) -> u64 {
    let mut reader = Reader::open(path).unwrap();
    Summary::read(&mut reader).unwrap().packets()
}

/// Runs a program to its end, and looks at it meanwhile as others can.
fn run(mut command: Command, input: &str) -> Ran {
    tokio::task::block_in_place(|| {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut stdin, input.as_bytes()).unwrap();
        drop(stdin);
        let of_process = format!("/proc/{}", child.id());
        let (mut out, mut errors) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let said = std::thread::spawn(move || {
            let mut said = String::new();
            errors.read_to_string(&mut said).unwrap();
            out.read_to_string(&mut said).unwrap();
            said
        });
        let (mut memory, mut listed) = (0, String::new());
        let ended = loop {
            if let Some(ended) = child.try_wait().unwrap() {
                break ended;
            }
            // It may end in between.
            let status = fs::read_to_string(format!("{of_process}/status")).unwrap_or_default();
            let of_status = |name: &str| {
                let value = status.lines().find_map(|it| it.strip_prefix(name))?;
                value.trim().trim_end_matches(" kB").parse::<u64>().ok()
            };
            let seen = of_status("VmHWM:").zip(of_status("RssFile:"));
            let seen = seen.map_or(0, |(peak, code)| peak.saturating_sub(code));
            memory = memory.max(seen << 10);
            for file in ["cmdline", "comm"] {
                listed += &fs::read_to_string(format!("{of_process}/{file}")).unwrap_or_default();
            }
            // What is looked at is a process: there is no clock of ours to move.
            std::thread::sleep(Duration::from_millis(5));
        };
        let said = said.join().unwrap();
        secrets::assert_none(&said);
        Ran {
            code: ended.code(),
            said,
            memory,
            listed,
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_that_changes_between_its_pages_is_made_good_by_the_next() {
    let place = Place::new(5, 3).await;
    place.with(|it| {
        it.page = 2;
        it.after_a_page = Some(|objects| {
            // One goes that was listed, one comes where nothing is listed any more.
            objects.remove(&key(1));
            objects.insert(format!("edge/a/pcap_{ID}.pcap"), file(9, 3));
        });
    });
    let ran = run(place.fetch(&["-o", "out.pcap", "--settle", "1s"]), "");
    assert_eq!(ran.code, Some(8), "{}", ran.said);
    assert!(ran.said.contains("server-0001"), "{}", ran.said);
    assert_eq!(place.packets(), 15);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_asks_to_slow_down_is_asked_again() {
    let place = Place::new(4, 3).await;
    place.with(|it| it.slow_downs = 3);
    let ran = run(place.fetch(&["-o", "out.pcap"]), "");
    assert_eq!(ran.code, Some(0), "{}", ran.said);
    assert_eq!(place.packets(), 12);
    assert_eq!(place.gets().len(), 4, "what was taken was taken once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_keys_are_told_and_leave_nothing() {
    let place = Place::new(4, 3).await;
    place.with(|it| it.is_locked = true);
    let ran = run(place.fetch(&["-o", "out.pcap"]), "");
    assert!(!matches!(ran.code, Some(0 | 8) | None), "{}", ran.said);
    assert!(
        ran.said.contains("does not know the access key"),
        "{}",
        ran.said
    );
    assert!(!place.folder.path().join("out.pcap").exists());
    // With the right ones it goes on.
    place.with(|it| it.is_locked = false);
    let ran = run(place.fetch(&["-o", "out.pcap"]), "");
    assert_eq!(ran.code, Some(0), "{}", ran.said);
    assert_eq!(place.packets(), 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_capture_that_fails_half_way_leaves_what_it_took() {
    let place = Place::new(4, 3).await;
    place.with(|it| (it.failed, it.reported) = (Some("the bucket went away"), 20));
    let ran = run(place.fetch(&["-o", "out.pcap", "--settle", "0s"]), "");
    assert_eq!(ran.code, Some(8), "{}", ran.said);
    assert!(ran.said.contains("the bucket went away"), "{}", ran.said);
    assert!(
        ran.said.contains("reports 20 packets, and 12 are there"),
        "{}",
        ran.said
    );
    assert_eq!(place.packets(), 12);

    // Or nothing.
    place.with(|it| it.objects.clear());
    let ran = run(place.fetch(&["-o", "none.pcap", "--settle", "0s"]), "");
    assert_eq!(ran.code, Some(6), "{}", ran.said);
    assert!(ran.said.contains("the bucket went away"), "{}", ran.said);
    let left = fs::read_dir(place.folder.path()).unwrap();
    let left: Vec<_> = left.map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left, ["out.pcap"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_wrong_and_another_region_are_told() {
    let place = Place::new(4, 3).await;
    for ahead in [20, -20] {
        place.with(|it| it.ahead = SignedDuration::from_mins(ahead));
        let ran = run(place.fetch(&["-o", "out.pcap"]), "");
        assert_eq!(ran.code, Some(3), "{}", ran.said);
        assert!(
            ran.said.contains("this machine's clock is wrong"),
            "{}",
            ran.said
        );
    }
    place.with(|it| (it.ahead, it.region) = (SignedDuration::ZERO, Some("eu-west-3")));
    let ran = run(place.fetch(&["-o", "out.pcap"]), "");
    assert!(!matches!(ran.code, Some(0 | 8) | None), "{}", ran.said);
    assert!(ran.said.contains("?region=eu-west-3"), "{}", ran.said);
    let mut command = place.fetch(&["-o", "out.pcap"]);
    command.env("AWS_REGION", "eu-west-3");
    let ran = run(command, "");
    assert_eq!(ran.code, Some(0), "{}", ran.said);
}

/// In a namespace of its own a disk can be as small as it has to be, where the system lets its users have one.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_of_its_own_may_be_full() {
    let may = Command::new("unshare").args(["-rm", "true"]).output();
    if !may.is_ok_and(|it| it.status.success()) {
        eprintln!("not tried: `unshare -rm` is not permitted here");
        return;
    }
    let place = Place::new(40, 10).await;
    // 400 kB of parts, and as much of output: first not even the parts fit, then not both, then all.
    let script = r#"
        mkdir disk
        mount -t tmpfs -o size=100k tmpfs disk
        for size in 100k 600k 4m; do
            mount -o remount,size=$size disk
            code=0
            "$@" || code=$?
            echo "$size: $code, $(ls disk | tr '\n' ' ')"
        done
        cp disk/out.pcap .
    "#;
    let mut command = Command::new("unshare");
    let program = pcaps();
    command
        .args(["-rm", "sh", "-ec", script, "sh"])
        .arg(program.get_program());
    let ran = run(place.set_up(command, &["-o", "disk/out.pcap"]), "");
    assert_eq!(ran.code, Some(0), "{}", ran.said);
    for step in [
        "100k: 1, out.pcap.parts ",
        "600k: 1, out.pcap.parts ",
        "4m: 0, out.pcap ",
    ] {
        assert!(ran.said.contains(step), "{}", ran.said);
    }
    let full = ran.said.matches("No space left on device").count();
    assert_eq!(full, 2, "{}", ran.said);
    assert_eq!(place.packets(), 400);
}

/// A disk that is full is a limit on what a process may write to a file, which nobody has to be root for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_fetched_outlasts_a_full_disk() {
    let place = Place::new(40, 10).await;
    let limited = |blocks: u32| {
        let mut command = Command::new("sh");
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        command
            .args(["-c", &script, "sh"])
            .arg(pcaps().get_program());
        place.set_up(command, &["-o", "out.pcap"])
    };
    // Not even one part, and then the parts but not all of them together.
    for blocks in [4, 200] {
        let ran = run(limited(blocks), "");
        assert_eq!(ran.code, Some(1), "{}", ran.said);
        assert!(
            ran.said.contains("what has been fetched stays"),
            "{}",
            ran.said
        );
        assert!(!place.folder.path().join("out.pcap").exists());
    }
    place.gets();
    let ran = run(place.fetch(&["-o", "out.pcap"]), "");
    assert_eq!(ran.code, Some(0), "{}", ran.said);
    assert!(place.gets().is_empty(), "nothing is fetched twice");
    assert_eq!(place.packets(), 400);
    let left = fs::read_dir(place.folder.path()).unwrap();
    let left: Vec<_> = left.map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left, ["out.pcap"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_files_fit_into_64_mib() {
    let place = Place::new(2_000, 20).await;
    let ran = run(place.fetch(&["-o", "out.pcap"]), "");
    assert_eq!(ran.code, Some(0), "{}", ran.said);
    assert_eq!(place.packets(), 40_000);
    assert_eq!(place.gets().len(), 2_000);
    assert!((1..=64 << 20).contains(&ran.memory), "{} bytes", ran.memory);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_in_no_list_of_processes() {
    let place = Place::new(100, 5).await;
    let encoded = KEY.replace('/', "%2F").replace('+', "%2B");
    let uri = format!(
        "r2://b/edge?account-id=0123456789abcdef&access-key-id={KEY_ID}&secret-access-key={encoded}"
    );
    place.with(|it| (it.is_locked, it.quotes) = (true, true));
    let ran = run(place.fetch(&["-o", "out.pcap", "--bucket", "-"]), &uri);
    assert!(ran.said.contains("403"), "{}", ran.said);
    place.with(|it| it.is_locked = false);
    let ran = run(place.fetch(&["-o", "out.pcap", "--bucket", "-"]), &uri);
    assert_eq!(ran.code, Some(0), "{}", ran.said);
    assert!(ran.listed.contains("fetch"), "{}", ran.listed);
    secrets::assert_none(&ran.listed);
    assert!(!format!("{}{}", ran.listed, ran.said).contains(&encoded));
}
