//! `pcaps export`: what it says, what it leaves, that it goes on wherever it was ended, and that processes share the work.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use pcaps_file::{LinkType, Packet, Timestamp, Writer, WriterOptions};

use crate::support::{Run, filtered, pcaps, root, run};

fn dns() -> Vec<u8> {
    fs::read(root().join("crates/pcaps-file/tests/data/dns.pcap")).unwrap()
}

/// A capture of so many packets, one every so many seconds.
fn write(path: &Path, packets: u32, seconds: u32) {
    let options = WriterOptions::new(LinkType::RAW);
    let mut writer = Writer::new(fs::File::create(path).unwrap(), options).unwrap();
    for number in 0..packets {
        let [_, b, c, d] = number.to_be_bytes();
        let bytes = [
            0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, b, c, d, 192, 0, 2, 53, // IPv4
            c, d, 0, 53, 0, 8, 0, 0, // UDP
        ];
        let packet = Packet {
            timestamp: Timestamp::from_parts(
                1_700_000_000 + number * seconds,
                number % 1_000 * 1_000,
            ),
            link_type: LinkType::RAW,
            original_len: 28,
            bytes: &bytes,
        };
        writer.write(&packet).unwrap();
    }
    writer.finish().unwrap();
}

fn export(folder: &Path, arguments: &[&str]) -> Run {
    run(pcaps().current_dir(folder).arg("export").args(arguments))
}

/// What is below a folder: each file's path in it, and its content.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for it in fs::read_dir(next).unwrap() {
            let path = it.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found
}

/// The files of the table, without what is beside it.
fn table(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = tree(folder);
    found.retain(|path, _| path.extension().is_some_and(|it| it == "parquet"));
    found
}

#[test]
fn what_people_and_programs_read() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let whole = dns();
    fs::create_dir_all(folder.join("in/deep")).unwrap();
    fs::write(folder.join("in/whole.pcap"), &whole).unwrap();
    fs::write(folder.join("in/challenge.txt"), "hello there").unwrap();
    write(&folder.join("in/deep/day.pcap"), 48, 1_800);

    // How fast it was is another each time.
    let quiet = ["in", "-o", "out", "--progress=none"];
    let first = export(folder, &quiet).ok();
    filtered(|| insta::assert_snapshot!("whole", first.text()));
    let left = tree(&folder.join("out"));
    // A day from 22:13 on, and the hour of the other file.
    assert_eq!(
        table(&folder.join("out")).len(),
        24 + 1,
        "{:?}",
        left.keys()
    );
    let hour = "capture_id=day/date=2023-11-14/hour=22";
    assert!(folder.join("out").join(hour).is_dir(), "{:?}", left.keys());
    assert_eq!(left.len(), 25 + 2 + 1, "{:?}", left.keys());

    // Again: nothing is written.
    let again = export(folder, &quiet).ok();
    filtered(|| insta::assert_snapshot!("again", again.text()));
    assert!(tree(&folder.join("out")) == left);

    fs::write(folder.join("in/torn.pcap"), &whole[..whole.len() - 1]).unwrap();
    fs::write(folder.join("in/no.pcap"), "hello there").unwrap();
    fs::write(folder.join("in/empty.pcap"), "").unwrap();
    let run = export(folder, &quiet);
    assert_eq!(run.code, Some(8), "{}", run.text());
    filtered(|| insta::assert_snapshot!("partial", run.text()));
    // What is wrong with them is still known.
    let run = export(folder, &["in", "-o", "out", "--json"]);
    assert_eq!(run.code, Some(8), "{}", run.text());
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    filtered(|| insta::assert_snapshot!("partial_json", format!("{json:#}")));
    let run = export(folder, &["in", "-o", "out", "--lenient"]).ok();
    assert!(run.stderr.contains("at byte 5764"), "{}", run.text());
}

#[test]
fn what_has_changed_replaces_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let out = folder.join("out");
    write(&folder.join("a.pcap"), 10, 3_600);
    let rows = |arguments: &[&str]| {
        let run = export(
            folder,
            &[&["a.pcap", "-o", "out", "--json"], arguments].concat(),
        );
        run.json()["rows"].as_u64().unwrap()
    };
    assert_eq!(rows(&[]), 10);
    assert_eq!(table(&out).len(), 10);
    // It grew.
    write(&folder.join("a.pcap"), 12, 3_600);
    assert_eq!(rows(&[]), 12);
    assert_eq!(table(&out).len(), 12);
    // It is another one, of fewer hours.
    write(&folder.join("a.pcap"), 5, 1);
    assert_eq!(rows(&[]), 5);
    assert_eq!(table(&out).len(), 1);
    // It is said of it that it is of another capture, and another data centre.
    assert_eq!(rows(&["--capture-id", "12", "--colo", "ord02"]), 5);
    let files = table(&out);
    assert_eq!(files.len(), 1);
    let path = files.keys().next().unwrap();
    assert!(path.starts_with("capture_id=id-12"), "{path:?}");
    // An export that never ended says of the files that it may have left.
    let entry = tree(&out.join("_manifest"));
    let (name, text) = entry.iter().next().unwrap();
    let id = name.file_stem().unwrap().to_str().unwrap();
    let stale = format!("capture_id=id-12/date=2023-11-14/hour=9/{id}-7.parquet");
    let text = String::from_utf8(text.clone()).unwrap();
    let text = text.replace("\"done\"", "\"placing\"").replace(
        "\"files\": [",
        &format!("\"files\": [{{\"path\": \"{stale}\", \"rows\": 1, \"bytes\": 1}},"),
    );
    fs::write(out.join("_manifest").join(name), text).unwrap();
    fs::create_dir_all(out.join(&stale).parent().unwrap()).unwrap();
    fs::write(out.join(&stale), "rows").unwrap();
    assert_eq!(rows(&["--capture-id", "12", "--colo", "ord02"]), 5);
    assert!(table(&out) == files);
}

/// Ended by `kill -9` at any moment, and run again until it ends: the same data set, byte by byte, and nothing else.
#[cfg(unix)]
#[test]
fn kill_9_at_random_moments() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("in")).unwrap();
    for number in 0..12 {
        write(&folder.join(format!("in/{number}.pcap")), 5_000 + number, 1);
    }
    let begun = Instant::now();
    export(folder, &["in", "-o", "expected"]).ok();
    // The machine may have been slow.
    let mut longest = begun.elapsed() / 2;
    let expected = tree(&folder.join("expected"));
    let whole = table(&folder.join("expected")).len();
    let (mut random, mut kills, mut halfway) = (1_u32, 0, 0);
    for set in 0..100 {
        let out = folder.join(format!("out-{set}"));
        loop {
            let mut child = pcaps()
                .current_dir(folder)
                .args(["export", "in", "-o"])
                .arg(&out)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            thread::sleep(longest.mul_f64(f64::from(random >> 8) / f64::from(1 << 24)));
            if let Some(status) = child.try_wait().unwrap() {
                assert!(status.success());
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
            // Whatever is there by its name is whole.
            let found = if out.is_dir() {
                table(&out)
            } else {
                BTreeMap::new()
            };
            halfway += usize::from(!found.is_empty() && found.len() < whole);
            for (path, content) in found {
                assert!(expected[&path] == content, "{path:?}");
            }
            if kills % 50 == 49 {
                longest *= 2;
            }
        }
        assert!(tree(&out) == expected);
        if kills >= 10 && halfway >= 3 {
            return;
        }
        longest = longest.mul_f64(0.8);
    }
    panic!("{kills} kills, {halfway} of them halfway");
}

/// Ctrl-C says how to go on, and what is there stays.
#[cfg(unix)]
#[test]
fn ctrl_c_leaves_what_the_next_run_goes_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("in")).unwrap();
    for number in 0..8 {
        write(&folder.join(format!("in/{number}.pcap")), 100_000, 0);
    }
    let child = pcaps()
        .current_dir(folder)
        .args(["export", "in", "-o", "out"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let entries = folder.join("out/_manifest");
    let begun = Instant::now();
    while !entries.is_dir() || fs::read_dir(&entries).unwrap().next().is_none() {
        assert!(begun.elapsed() < Duration::from_mins(1));
        thread::yield_now();
    }
    let status = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("the same command goes on"), "{said}");
    let run = export(folder, &["in", "-o", "out", "--json"]);
    assert_eq!(run.json()["rows"], 8 * 100_000);
    assert!(run.stdout.contains("unchanged"), "{}", run.text());
    let left = fs::read_dir(folder.join("out/_staging")).unwrap();
    assert_eq!(left.count(), 0);
}

/// Four processes at once, each with its shard: the data set of one.
#[test]
fn shards_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("in")).unwrap();
    for number in 0..40 {
        write(
            &folder.join(format!("in/{number}.pcap")),
            1_000 + number,
            10,
        );
    }
    let runs: Vec<_> = (1..=4)
        .map(|number| {
            pcaps()
                .current_dir(folder)
                .args(["export", "in", "-o", "out", "--json", "--shard"])
                .arg(format!("{number}/4"))
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut inputs = 0;
    for child in runs {
        let run = Run::from(child.wait_with_output().unwrap());
        let shard = run.json()["inputs"].as_array().unwrap().len();
        assert!(shard > 0);
        inputs += shard;
    }
    assert_eq!(inputs, 40);
    export(folder, &["in", "-o", "expected"]).ok();
    let (found, expected) = (tree(&folder.join("out")), tree(&folder.join("expected")));
    assert!(
        found.keys().eq(expected.keys()),
        "{:?} {:?}",
        found.keys(),
        expected.keys()
    );
    assert!(found == expected);
    // All of it is known to whoever comes after, in other shards or in none.
    let run = export(folder, &["in", "-o", "out"]).ok();
    assert!(
        run.stdout.contains("unchanged     40 files"),
        "{}",
        run.text()
    );
}

/// From a bucket to another one: what is there is what comes of files.
#[test]
fn from_bucket_to_bucket() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let bucket = folder.join("bucket/edge/server-01");
    fs::create_dir_all(&bucket).unwrap();
    fs::create_dir_all(folder.join("table")).unwrap();
    let id = "66802ca5668e47a2b82c2e6746e45037";
    write(&bucket.join(format!("pcap_{id}.pcap")), 100_000, 1);
    fs::write(bucket.join("torn.pcap"), &dns()[..5_000]).unwrap();
    fs::write(bucket.join("ownership-challenge-1.txt"), "hello").unwrap();
    let to = |uri: &str, output: &str| {
        export(
            folder,
            &[
                uri,
                "-o",
                output,
                "--bucket-map=s3://captures=bucket",
                "--bucket-map=gs://tables=table",
                "--json",
            ],
        )
    };
    let run = to("s3://captures/edge?region=eu-west-1", "gs://tables/all");
    assert_eq!(run.code, Some(8), "{}", run.text());
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let inputs = json["inputs"].as_array().unwrap();
    assert_eq!(inputs.len(), 2);
    assert_eq!(
        inputs[0]["name"],
        format!("s3://captures/edge/server-01/pcap_{id}.pcap")
    );
    assert_eq!(inputs[0]["capture_id"], id);
    assert_eq!(inputs[0]["rows"], 100_000);
    assert!(
        inputs[1]["error"]
            .as_str()
            .unwrap()
            .contains("ends in the middle")
    );
    // To a folder: the same files.
    let run = to("s3://captures/edge?region=eu-west-1", "out");
    assert_eq!(run.code, Some(8), "{}", run.text());
    let there = tree(&folder.join("table/all"));
    assert!(there == tree(&folder.join("out")));
    // One object, and nothing new.
    let object = format!("s3://captures/edge/server-01/pcap_{id}.pcap?region=eu-west-1");
    let run = to(&object, "gs://tables/all");
    assert_eq!(run.json()["inputs"][0]["state"], "unchanged");
    // What has changed there.
    write(&bucket.join(format!("pcap_{id}.pcap")), 10, 1);
    assert_eq!(to(&object, "gs://tables/all").json()["rows"], 10);
    let rest = table(&folder.join("table/all"));
    assert_eq!(rest.len(), 1 + 1, "{:?}", rest.keys());
}

/// A capture whose packets have little in common: of 400,000 the table has 10 MB.
#[cfg(unix)]
fn write_mixed(path: &Path, packets: u32) {
    let options = WriterOptions::new(LinkType::RAW);
    let file = std::io::BufWriter::new(fs::File::create(path).unwrap());
    let mut writer = Writer::new(file, options).unwrap();
    let mut random = 1_u64;
    for number in 0..packets {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let mut bytes = [0; 40];
        bytes[..12].copy_from_slice(&[0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0]);
        bytes[12..20].copy_from_slice(&random.to_be_bytes());
        bytes[24..28].copy_from_slice(&(random >> 7).to_be_bytes()[4..]);
        bytes[32] = 5 << 4;
        let packet = Packet {
            timestamp: Timestamp::from_parts(1_700_000_000 + number / 10_000, 0),
            link_type: LinkType::RAW,
            original_len: 40,
            bytes: &bytes,
        };
        writer.write(&packet).unwrap();
    }
    writer.finish().unwrap();
}

/// What a bucket does about the files of a table.
#[cfg(unix)]
#[derive(Clone)]
enum Upload {
    /// Refuses what is sent at once, and the end of what is sent in pieces.
    Refused,
    /// Never answers a piece.
    Held,
    /// Says only when it is told to that pieces may come, and never answers one.
    Late(std::sync::Arc<tokio::sync::Notify>),
}

/// A bucket that takes what is small and no files of a table, and what it was asked for.
#[cfg(unix)]
async fn bucket(upload: Upload) -> (String, std::sync::Arc<std::sync::Mutex<Vec<String>>>) {
    use axum::{
        Router,
        body::Bytes,
        extract::DefaultBodyLimit,
        http::{HeaderValue, Method, Response, StatusCode, Uri, header},
    };

    const BEGUN: &str =
        "<InitiateMultipartUploadResult><UploadId>one</UploadId></InitiateMultipartUploadResult>";

    let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = std::sync::Arc::clone(&asked);
    let serve = move |method: Method, uri: Uri, body: Bytes| async move {
        drop(body);
        let (path, query) = (uri.path(), uri.query().unwrap_or_default());
        let what = query.split('=').next().unwrap_or_default();
        seen.lock().unwrap().push(format!("{method} {what}"));
        let refused = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
        let (status, body) = match (method.as_str(), what) {
            ("GET", _) => (
                StatusCode::NOT_FOUND,
                "<Error><Code>NoSuchKey</Code><Message>no</Message></Error>",
            ),
            ("PUT", "partNumber") if !matches!(upload, Upload::Refused) => {
                tokio::time::sleep(Duration::from_mins(10)).await;
                (StatusCode::OK, "")
            }
            ("PUT", "partNumber") => (StatusCode::OK, ""),
            ("PUT", _) if !path.contains("/capture_id") => (StatusCode::OK, ""),
            ("POST", "uploads") => {
                if let Upload::Late(told) = &upload {
                    told.notified().await;
                }
                (StatusCode::OK, BEGUN)
            }
            ("DELETE", "uploadId") => (StatusCode::NO_CONTENT, ""),
            _ => (StatusCode::FORBIDDEN, refused),
        };
        let mut response = Response::new(body.to_owned());
        *response.status_mut() = status;
        let tag = HeaderValue::from_static("\"tag\"");
        response.headers_mut().insert(header::ETAG, tag);
        response
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .fallback(serve)
        .layer(DefaultBodyLimit::disable());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (format!("http://{address}"), asked)
}

#[cfg(unix)]
fn to_bucket(folder: &Path, capture: &str, url: &str) -> std::process::Command {
    let mut command = pcaps();
    command
        .current_dir(folder)
        .env("AWS_ACCESS_KEY_ID", crate::secrets::KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", crate::secrets::KEY)
        .args(["export", capture, "-o"])
        .arg("s3://tables/all?region=us-east-1")
        .arg(format!("--bucket-map=s3://tables=s3+{url}/b"));
    command
}

/// Why a table cannot be written is said, whether a file goes at once or in pieces, of which none is left.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(&folder.join("small.pcap"), 100, 1);
    write_mixed(&folder.join("large.pcap"), 400_000);
    for (capture, pieces) in [("small.pcap", 0), ("large.pcap", 2)] {
        let (url, asked) = bucket(Upload::Refused).await;
        let run = tokio::task::block_in_place(|| run(&mut to_bucket(folder, capture, &url)));
        assert_eq!(run.code, Some(3), "{}", run.text());
        assert!(
            run.stderr.contains("cannot write a file of the data set"),
            "{}",
            run.text()
        );
        let asked = asked.lock().unwrap();
        let count = |what: &str| asked.iter().filter(|it| *it == what).count();
        assert!(count("PUT partNumber") >= pieces, "{asked:?}");
        assert_eq!(count("DELETE uploadId"), pieces.min(1), "{asked:?}");
    }
}

/// Ctrl-C leaves no pieces in a bucket, which would cost money and be seen by nobody: neither while one is sent, nor before the
/// bucket has said that they may be.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_in_the_middle_of_an_upload() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_mixed(&folder.join("large.pcap"), 400_000);
    let told = std::sync::Arc::new(tokio::sync::Notify::new());
    for (upload, last) in [
        (Upload::Held, "PUT partNumber"),
        (Upload::Late(std::sync::Arc::clone(&told)), "POST uploads"),
    ] {
        let (url, asked) = bucket(upload).await;
        let mut child = to_bucket(folder, "large.pcap", &url)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        while !asked.lock().unwrap().iter().any(|it| it == last) {
            assert!(child.try_wait().unwrap().is_none());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let pid = child.id().to_string();
        std::process::Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap();
        told.notify_one();
        let run = tokio::task::block_in_place(|| Run::from(child.wait_with_output().unwrap()));
        assert_eq!(run.code, Some(130), "{}", run.text());
        let asked = asked.lock().unwrap();
        assert!(asked.iter().any(|it| it == "DELETE uploadId"), "{asked:?}");
    }
}

/// A bucket that is silent for too long ends the export, and no pieces stay in it. Nobody waits for it any longer.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_takes_too_long() {
    use pcaps::{ErrorKind, Export, Folder, Location};
    use pcaps_sim::object_store::{aws::AmazonS3Builder, path::Path as Key};

    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("large.pcap");
    write_mixed(&capture, 400_000);
    let never = Upload::Late(std::sync::Arc::default());
    for (upload, last, asked_last) in [
        (Upload::Held, "PUT partNumber", "DELETE uploadId"),
        (never, "POST uploads", "POST uploads"),
    ] {
        let (url, asked) = bucket(upload).await;
        let store = AmazonS3Builder::new()
            .with_bucket_name("b")
            .with_endpoint(&url)
            .with_allow_http(true)
            .with_access_key_id(crate::secrets::KEY_ID)
            .with_secret_access_key(crate::secrets::KEY)
            .build()
            .unwrap();
        let bucket = Folder::new(std::sync::Arc::new(store), Key::from("all"));
        let export = Export::to("s3://tables/all?region=us-east-1".parse().unwrap())
            .input(Location::Path(capture.clone()))
            .buckets(move |_| Some(bucket.clone()))
            // Five times as long is enough for all that is answered.
            .timeout(Duration::from_secs(1));
        let error = export.run().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        let settled = tokio::time::timeout(Duration::from_secs(20), Export::settled());
        settled.await.unwrap();
        let asked = asked.lock().unwrap();
        assert!(asked.iter().any(|it| it == last), "{asked:?}");
        assert_eq!(asked.last().unwrap(), asked_last);
    }
}

/// What is known of all files is asked for before the first is exported, and nobody has to wait for an answer meanwhile: in
/// hours of another clock, each entry of the manifest takes seconds, each file of the table four minutes.
#[tokio::test(start_paused = true)]
async fn a_long_export_keeps_no_answer_waiting() {
    use pcaps::{Export, ExportState, Folder};
    use pcaps_sim::object_store::{
        memory::InMemory,
        path::Path as Key,
        throttle::{ThrottleConfig, ThrottledStore},
    };

    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("b.pcap"), 100, 1);
    let store = ThrottledStore::new(InMemory::new(), ThrottleConfig::default());
    let store = std::sync::Arc::new(store);
    let export = || {
        let bucket = Folder::new(store.clone(), Key::from("all"));
        Export::to("s3://tables/all?region=us-east-1".parse().unwrap())
            .input(pcaps::Location::Path(folder.path().to_owned()))
            .buckets(move |_| Some(bucket.clone()))
            // Given up after five times as long.
            .timeout(Duration::from_mins(1))
    };
    export().run().await.unwrap();
    // That there is no entry for it is known before what the other's says.
    write(&folder.path().join("a.pcap"), 100, 1);
    store.config_mut(|it| {
        it.wait_get_per_call = Duration::from_secs(10);
        it.wait_get_per_byte = Duration::from_millis(10);
        it.wait_put_per_call = Duration::from_mins(4);
    });
    let begun = tokio::time::Instant::now();
    let exported = export().run().await.unwrap();
    assert!(begun.elapsed() > Duration::from_mins(12));
    let states: Vec<_> = exported.inputs.iter().map(|it| it.state).collect();
    assert_eq!(states, [ExportState::Exported, ExportState::Unchanged]);
}

/// A run that is killed on the way to a bucket leaves nothing among the temporary files.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn temporary_files_of_a_killed_run() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let temporary = folder.join("tmp");
    fs::create_dir(&temporary).unwrap();
    write_mixed(&folder.join("large.pcap"), 400_000);
    let (url, asked) = bucket(Upload::Held).await;
    let mut child = to_bucket(folder, "large.pcap", &url)
        .env("TMPDIR", &temporary)
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while !asked
        .lock()
        .unwrap()
        .iter()
        .any(|it| it == "PUT partNumber")
    {
        assert!(child.try_wait().unwrap().is_none());
        assert!(begun.elapsed() < Duration::from_mins(1));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
}

/// The manifest says which files of a capture are taken away when it has changed: only those of the table are.
#[test]
fn a_manifest_that_others_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(&folder.join("a.pcap"), 10, 1);
    fs::write(folder.join("precious"), "mine").unwrap();
    export(folder, &["a.pcap", "-o", "out"]).ok();
    let entry = fs::read_dir(folder.join("out/_manifest"))
        .unwrap()
        .map(|it| it.unwrap().path())
        .next()
        .unwrap();
    let text = fs::read_to_string(&entry).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let ours = json["files"][0]["path"].as_str().unwrap().to_owned();
    let (before, name) = ours.rsplit_once('/').unwrap();
    let absolute = folder.join("precious").display().to_string();
    write(&folder.join("a.pcap"), 20, 1);
    for path in [
        "../precious",
        &absolute,
        &format!("capture_id=a/../../{name}"),
        &format!("{before}/other-0.parquet"),
        &format!("{ours}/"),
    ] {
        json["files"][0]["path"] = path.into();
        fs::write(&entry, json.to_string()).unwrap();
        let run = export(folder, &["a.pcap", "-o", "out"]);
        assert_eq!(run.code, Some(1), "{path}: {}", run.text());
        assert!(run.stderr.contains("is no file of"), "{}", run.text());
    }
    assert_eq!(fs::read_to_string(folder.join("precious")).unwrap(), "mine");
    fs::write(&entry, text).unwrap();
    assert_eq!(
        export(folder, &["a.pcap", "-o", "out", "--json"]).json()["rows"],
        20
    );
}

#[test]
fn what_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("a.pcap"), dns()).unwrap();
    fs::create_dir(folder.join("nothing")).unwrap();
    fs::write(folder.join("file"), "").unwrap();
    for (name, arguments, code) in [
        ("stdin", &["-", "-o", "out"][..], 2),
        ("missing", &["missing.pcap", "-o", "out"], 1),
        ("no_captures", &["nothing", "-o", "out"], 2),
        ("no_region", &["s3://b/d", "-o", "out"], 2),
        ("no_such_place", &["https://b/d", "-o", "out"], 2),
        ("odd_shard", &["a.pcap", "-o", "out", "--shard", "5/4"], 2),
        (
            "odd_capture",
            &["a.pcap", "-o", "out", "--capture-id", "a/b"],
            2,
        ),
        ("output_is_a_file", &["a.pcap", "-o", "file"], 1),
    ] {
        let run = export(folder, arguments);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(code), ""),
            "{name}: {}",
            run.text()
        );
        filtered(|| insta::assert_snapshot!(name, run.stderr));
    }
    assert_eq!(table(folder).len(), 0);
    for (text, said) in [
        ("{\"version\": 2}", "is version 2"),
        ("{}", "is not the schema"),
    ] {
        fs::create_dir_all(folder.join("other")).unwrap();
        fs::write(folder.join("other/_schema.json"), text).unwrap();
        let run = export(folder, &["a.pcap", "-o", "other"]);
        assert_eq!(run.code, Some(1), "{}", run.text());
        assert!(run.stderr.contains(said), "{}", run.text());
        let left = fs::read_to_string(folder.join("other/_schema.json"));
        assert_eq!(left.unwrap(), text);
    }
}

/// Runs that overlap on one file do not take one another's files away; what is left of one that was killed goes.
#[cfg(unix)]
#[test]
fn runs_that_overlap() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(&folder.join("a.pcap"), 200_000, 1);
    export(folder, &["a.pcap", "-o", "expected"]).ok();
    // One that was killed, and one that goes on.
    let staging = folder.join("out/_staging");
    for name in ["run-killed", "run-lives"] {
        fs::create_dir_all(staging.join(name).join("one")).unwrap();
        fs::write(staging.join(name).join("lock"), "").unwrap();
        fs::write(staging.join(name).join("one/hour.part"), "rows").unwrap();
    }
    fs::write(staging.join("stray"), "").unwrap();
    let lives = fs::File::open(staging.join("run-lives/lock")).unwrap();
    lives.lock().unwrap();
    let runs: Vec<_> = (0..4)
        .map(|_| {
            pcaps()
                .current_dir(folder)
                .args(["export", "a.pcap", "-o", "out", "--json"])
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in runs {
        let run = Run::from(child.wait_with_output().unwrap());
        assert_eq!(run.json()["rows"], 200_000);
    }
    assert!(table(&folder.join("out")) == table(&folder.join("expected")));
    let mut left: Vec<_> = fs::read_dir(&staging)
        .unwrap()
        .map(|it| it.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["run-lives", "stray"]);
    assert!(staging.join("run-lives/one/hour.part").is_file());
    for path in table(&folder.join("out")).keys() {
        let mode = fs::metadata(folder.join("out").join(path))
            .unwrap()
            .permissions();
        assert_eq!(mode.mode() & 0o777, 0o600, "{path:?}");
    }
}

/// What cannot be read is said, does not end the export of others, and is no success, however lenient.
#[cfg(unix)]
#[test]
fn what_cannot_be_read_is_a_failure() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir_all(folder.join("in/a.pcap.parts")).unwrap();
    write(&folder.join("in/a.pcap"), 3, 1);
    // Those of a download: their packets are in the file beside it.
    write(&folder.join("in/a.pcap.parts/0.pcap"), 3, 1);
    // Captures within the data set are captures too.
    write(&folder.join("in/b.pcap"), 4, 1);
    let json = |run: &Run| -> serde_json::Value { serde_json::from_str(&run.stdout).unwrap() };
    let run = export(folder, &["in", "-o", "in", "--json"]).ok();
    assert_eq!(json(&run)["rows"], 7);
    // Something that is found and then not UTF-8.
    write(
        &folder.join("in").join(OsStr::from_bytes(b"\xff.pcap")),
        5,
        1,
    );
    for lenient in [&[][..], &["--lenient"]] {
        let run = export(folder, &[&["in", "-o", "in", "--json"], lenient].concat());
        assert_eq!(run.code, Some(1), "{}", run.text());
        assert!(run.stderr.contains("UTF-8"), "{}", run.text());
        assert_eq!(json(&run)["rows"], 7, "{}", run.text());
    }
}
