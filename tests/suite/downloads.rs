//! Downloads that break, and go on; large ones; and to where they go.

use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use pcaps::{Downloaded, Error, ErrorKind};
use pcaps_file::{LinkType, Packet, Timestamp, Writer, WriterOptions};
use pcaps_sim::faults::{Delivery, Fault, Framing, Operation, Place};

use crate::{secrets, stage::Stage, support::TOKEN};

const DOWNLOAD: Operation = Operation::DownloadCapture;
const PACKETS: u32 = 4_000;

/// A capture file of a few pieces on the wire and on the way to the disk.
fn large() -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), WriterOptions::new(LinkType::RAW)).unwrap();
    for number in 0..PACKETS {
        let mut bytes = [0x45; 1_000];
        bytes[100..104].copy_from_slice(&number.to_be_bytes());
        let packet = Packet {
            timestamp: Timestamp::from_parts(1, 0),
            link_type: LinkType::RAW,
            original_len: 1_000,
            bytes: &bytes,
        };
        writer.write(&packet).unwrap();
    }
    writer.finish().unwrap()
}

/// A service whose downloads are this file.
async fn stage(file: &[u8]) -> Stage {
    let stage = Stage::set(DOWNLOAD).await;
    stage.server.always(DOWNLOAD, Fault::default().body(file));
    stage
}

async fn download(stage: &Stage) -> Result<Downloaded, Error> {
    let download = stage.account.download(stage.capture.as_ref().unwrap());
    download.to_path(stage.path()).await
}

/// What was asked for: the range of each request.
fn ranges(stage: &Stage) -> Vec<Option<String>> {
    let requests = stage.server.requests().into_iter();
    let downloads = requests.filter(|it| it.operation == Some(DOWNLOAD));
    downloads
        .map(|it| it.header("range").map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn a_broken_one_goes_on_from_where_it_broke() {
    let file = large();
    let stage = stage(&file).await;
    let cut = |place| {
        Fault::default()
            .body(file.clone())
            .delivered(Delivery::Close(Place::Body(place)))
    };
    // Within the file's header, within a record's header, within a packet, and at the end.
    let mut expected = vec![None];
    let mut at = 0;
    for place in [10, 24, 500_000, 1, 2_000_000, 0] {
        stage.server.next(DOWNLOAD, cut(place));
        at += place;
        expected.push((at > 0).then(|| format!("bytes={at}-")));
    }
    let downloaded = download(&stage).await.unwrap();
    assert_eq!(fs::read(stage.path()).unwrap(), file);
    assert_eq!(downloaded.bytes, file.len() as u64);
    assert_eq!(downloaded.contents.packets, u64::from(PACKETS));
    assert_eq!(ranges(&stage), expected);
}

#[tokio::test]
async fn attempts_without_new_bytes_are_counted() {
    let file = large();
    let stage = stage(&file).await;
    let after = |place| {
        Fault::default()
            .body(file.clone())
            .delivered(Delivery::Close(Place::Body(place)))
    };
    stage
        .server
        .next(DOWNLOAD, after(1_000))
        .always(DOWNLOAD, after(0));
    let error = download(&stage).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Connection, 4));
    assert_eq!(ranges(&stage).len(), 4);
    stage.check(DOWNLOAD, false, "after it").await;
}

#[tokio::test]
async fn a_file_that_has_changed_begins_anew() {
    let old = large();
    let mut new = old.clone();
    new[50] ^= 0xff;
    let stage = stage(&new).await;
    let cut = Fault::default()
        .body(old)
        .header("etag", "\"another\"")
        .delivered(Delivery::Close(Place::Body(70_000)));
    stage.server.next(DOWNLOAD, cut);
    download(&stage).await.unwrap();
    assert_eq!(fs::read(stage.path()).unwrap(), new);
    assert_eq!(ranges(&stage), [None, Some("bytes=70000-".to_owned())]);
}

#[tokio::test]
async fn a_server_that_cannot_go_on_sends_all_of_it_again() {
    let file = large();
    let stage = stage(&file).await;
    let whole = || {
        Fault::default()
            .body(file.clone())
            .without_header("etag")
            .without_header("last-modified")
    };
    stage.server.next(
        DOWNLOAD,
        whole().delivered(Delivery::Close(Place::Body(70_000))),
    );
    download(&stage).await.unwrap();
    assert_eq!(fs::read(stage.path()).unwrap(), file);
    assert_eq!(
        ranges(&stage),
        [None, None],
        "nothing tells whether it is the same file"
    );

    // One that takes the range and gives another, or says that there is none.
    for odd in [
        Fault::answer(206, "application/vnd.tcpdump.pcap", file.clone())
            .header("content-range", "bytes 0-9/10"),
        Fault::answer(206, "application/vnd.tcpdump.pcap", file.clone()),
        Fault::answer(416, "application/json", "{}"),
        Fault::answer(200, "application/vnd.tcpdump.pcap", file.clone()),
    ] {
        let stage = self::stage(&file).await;
        stage.server.next(
            DOWNLOAD,
            Fault::default()
                .body(file.clone())
                .delivered(Delivery::Close(Place::Body(70_000))),
        );
        stage.server.next(DOWNLOAD, odd);
        download(&stage).await.unwrap();
        assert_eq!(fs::read(stage.path()).unwrap(), file);
    }
}

#[tokio::test]
async fn a_part_is_never_taken_for_the_whole() {
    let file = large();
    // A cut that nothing tells of but the file itself.
    let stage = stage(&file).await;
    let cut = Fault::default()
        .body(file.clone())
        .framed(Framing::UntilClosed)
        .delivered(Delivery::Close(Place::Body(70_000)));
    stage.server.next(DOWNLOAD, cut);
    let error = download(&stage).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotACapture, "{error}");
    stage.check(DOWNLOAD, false, "after a cut").await;
    // Something else behind the file, or before it.
    for wrong in [
        [&file[..], b"more"].concat(),
        [b"more", &file[..]].concat(),
        file[..file.len() - 1].to_vec(),
        Vec::new(),
    ] {
        let stage = self::stage(&wrong).await;
        let error = download(&stage).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotACapture, "{error}");
        assert!(error.is_decode() && !error.is_retryable());
        stage.check(DOWNLOAD, false, "after a wrong file").await;
    }
}

#[tokio::test]
async fn one_that_stalls_is_given_up_and_gone_on_with() {
    let file = large();
    let stage = stage(&file).await;
    let stalled = Fault::default()
        .body(file.clone())
        .delivered(Delivery::Stall(Place::Body(1_234_567)));
    stage.server.next(DOWNLOAD, stalled);
    let start = stage.time.now();
    download(&stage).await.unwrap();
    assert_eq!(fs::read(stage.path()).unwrap(), file);
    assert_eq!(ranges(&stage), [None, Some("bytes=1234567-".to_owned())]);
    let elapsed = stage.time.now().duration_since(start);
    assert_eq!(
        elapsed.as_millis(),
        60_500,
        "a minute without a byte, and a pause"
    );
}

#[tokio::test]
async fn progress_goes_up_to_the_total() {
    let file = large();
    let stage = stage(&file).await;
    stage.server.next(
        DOWNLOAD,
        Fault::default()
            .body(file.clone())
            .delivered(Delivery::Close(Place::Body(1_000_000))),
    );
    let heard = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&heard);
    let download = stage.account.download(stage.capture.as_ref().unwrap());
    let download = download.on_progress(move |it| told.lock().unwrap().push(it));
    download.to_path(stage.path()).await.unwrap();
    let heard = heard.lock().unwrap();
    assert!(heard.windows(2).all(|it| it[0].bytes < it[1].bytes));
    let (total, last) = (file.len() as u64, heard.last().unwrap());
    assert_eq!(last.bytes, total);
    assert!(heard.iter().all(|it| it.total == Some(total)));
}

#[tokio::test]
async fn a_writer_gets_all_or_nothing() {
    let file = large();
    let stage = stage(&file).await;
    let id = stage.capture.clone().unwrap();
    let cut = || {
        Fault::default()
            .body(file.clone())
            .delivered(Delivery::Close(Place::Body(1_000_000)))
    };
    stage.server.next(DOWNLOAD, cut());
    let mut written = Vec::new();
    let downloaded = stage
        .account
        .download(&id)
        .to_writer(&mut written)
        .await
        .unwrap();
    assert_eq!(
        (downloaded.bytes, written.len()),
        (file.len() as u64, file.len())
    );
    assert_eq!(written, file);
    let torn = Fault::default().body(&file[..file.len() - 1]);
    stage.server.always(DOWNLOAD, torn);
    let mut written = Vec::new();
    stage
        .account
        .download(&id)
        .to_writer(&mut written)
        .await
        .unwrap_err();
    assert!(written.is_empty());

    // A reader that has left.
    stage
        .server
        .always(DOWNLOAD, Fault::default().body(file.clone()));
    let (reader, writer) = tokio::io::duplex(10);
    drop(reader);
    let error = stage
        .account
        .download(&id)
        .to_writer(writer)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
}

#[tokio::test]
async fn of_several_to_one_path_each_is_whole() {
    let file = large();
    let stage = stage(&file).await;
    let downloads = (0..8).map(|_| download(&stage));
    for outcome in futures_util::future::join_all(downloads).await {
        outcome.unwrap();
    }
    assert_eq!(fs::read(stage.path()).unwrap(), file);
    assert_eq!(fs::read_dir(stage.folder.path()).unwrap().count(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let stage = stage(&large()).await;
    download(&stage).await.unwrap();
    let mode = fs::metadata(stage.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn one_that_is_dropped_leaves_nothing() {
    let file = large();
    let stage = stage(&file).await;
    let stalled = Fault::default()
        .body(file.clone())
        .delivered(Delivery::Stall(Place::Body(2_000_000)));
    stage.server.next(DOWNLOAD, stalled);
    tokio::select! {
        _ = download(&stage) => panic!("it stalls"),
        () = stage.server.until_stalled(1) => {}
    }
    stage.check(DOWNLOAD, false, "after it").await;
    secrets::assert_none(&format!("{:?}", stage.account));
    assert_eq!(stage.time.pauses(), Vec::<Duration>::new());
}

#[tokio::test]
async fn what_is_not_certainly_of_the_same_file_is_not_spliced() {
    let file = large();
    // Both end where a record does, so that nothing in the file tells.
    let at = 24 + 1016 * 10;
    let end = at + 1016 * 5;
    let part = |total: &str| {
        let range = format!("bytes {at}-{}/{total}", end - 1);
        Fault::answer(206, "application/vnd.tcpdump.pcap", &file[at..end])
            .header("content-range", range)
    };
    let (shorter, whole) = (end.to_string(), file.len().to_string());
    for (what, odd) in [
        ("no tag", part("*")),
        ("another length", part(&shorter).header("etag", "\"same\"")),
        ("another tag", part(&whole).header("etag", "\"other\"")),
        ("a part of the rest", part("*").header("etag", "\"same\"")),
    ] {
        let stage = stage(&file).await;
        let first = Fault::default().body(file.clone());
        let first = first.header("etag", "\"same\"");
        let cut = Delivery::Close(Place::Body(at));
        stage.server.next(DOWNLOAD, first.delivered(cut));
        stage.server.next(DOWNLOAD, odd);
        download(&stage).await.unwrap();
        assert!(fs::read(stage.path()).unwrap() == file, "{what}");
    }
}

#[tokio::test]
async fn a_date_tells_files_apart_only_when_it_is_past() {
    let file = large();
    let now = "Fri, 02 Jan 2026 03:04:05 GMT";
    let before = "Fri, 02 Jan 2026 03:04:01 GMT";
    for (tag, date, used) in [
        ("W/\"weak\"", before, None),
        ("", now, None),
        ("", before, Some(before)),
    ] {
        let stage = stage(&file).await;
        let first = Fault::default().body(file.clone());
        let first = first.header("last-modified", date).header("date", now);
        let first = match tag {
            "" => first.without_header("etag"),
            _ => first.header("etag", tag),
        };
        let cut = Delivery::Close(Place::Body(70_000));
        stage.server.next(DOWNLOAD, first.delivered(cut));
        download(&stage).await.unwrap();
        assert!(fs::read(stage.path()).unwrap() == file);
        let requests = stage.server.requests();
        assert_eq!(requests[1].header("if-range"), used, "{tag} {date}");
    }
}

#[tokio::test]
async fn a_drip_is_not_worth_it() {
    let file = large();
    let stage = stage(&file).await;
    let cut = Delivery::Close(Place::Body(1));
    let drip = Fault::default().body(file).delivered(cut);
    stage.server.always(DOWNLOAD, drip);
    let error = download(&stage).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert_eq!((error.attempts(), ranges(&stage).len()), (4, 4));
}

#[tokio::test]
async fn a_refusal_is_heard_however_it_comes() {
    let stage = stage(&[]).await;
    let refusal =
        r#"{"success": false, "errors": [{"code": 1102, "message": "it is in your bucket"}]}"#;
    for delivery in [Delivery::Whole, Delivery::Trickle] {
        let fault = Fault::default().body(refusal).delivered(delivery);
        stage.server.next(DOWNLOAD, fault);
        let error = download(&stage).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        assert_eq!(error.messages()[0].code, Some(1102));
        assert!(
            error.to_string().contains("files are in its bucket"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn without_an_end_or_a_date_it_begins_anew() {
    let file = large();
    let (at, end) = (24 + 1016 * 10, 24 + 1016 * 15);
    let range = format!("bytes {at}-{}", end - 1);
    let (now, before) = (
        "Fri, 02 Jan 2026 03:04:05 GMT",
        "Fri, 02 Jan 2026 03:04:01 GMT",
    );
    let other = "Fri, 02 Jan 2026 03:04:02 GMT";
    let pcap = "application/vnd.tcpdump.pcap";
    let whole = || {
        Fault::default()
            .body(file.clone())
            .delivered(Delivery::Close(Place::Body(at)))
    };
    let mut changed = file.clone();
    changed[at + 100] ^= 1;
    for (first, rest) in [
        (
            // Nobody says how long it is.
            whole().header("etag", "\"a\"").framed(Framing::Chunked),
            Fault::answer(206, pcap, &file[at..end])
                .header("content-range", format!("{range}/*"))
                .header("etag", "\"a\""),
        ),
        (
            // Another file of the same length.
            whole()
                .without_header("etag")
                .header("last-modified", before)
                .header("date", now),
            Fault::answer(206, pcap, &changed[at..])
                .header(
                    "content-range",
                    format!("bytes {at}-{}/{}", file.len() - 1, file.len()),
                )
                .header("last-modified", other)
                .header("date", now),
        ),
    ] {
        let stage = stage(&file).await;
        stage.server.next(DOWNLOAD, first).next(DOWNLOAD, rest);
        download(&stage).await.unwrap();
        assert!(fs::read(stage.path()).unwrap() == file);
    }
}

#[tokio::test]
async fn a_token_that_comes_back_is_not_shown() {
    let stage = stage(&[]).await;
    let failure = format!(
        r#"{{"success": false, "errors": [{{"message": "no {TOKEN}", "source": {{"pointer": "/{TOKEN}"}}}}]}}"#
    );
    for media_type in ["application/json", "application/octet-stream"] {
        let fault = Fault::answer(200, media_type, failure.clone());
        stage.server.next(DOWNLOAD, fault);
        let error = download(&stage).await.unwrap_err();
        secrets::assert_none(&format!("{error} {error:?}"));
        assert!(error.to_string().contains("no REDACTED"), "{error}");
    }
}
