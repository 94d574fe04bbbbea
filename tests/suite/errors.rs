//! What is said when the service does not do what was asked, and what is on disk afterwards.

use std::{fmt::Write as _, fs, time::Duration};

use pcaps::{Error, Sample};

use crate::{
    support::{Canned, ID, TOKEN, account, account_at, filtered, nobody},
    time::Time,
};

/// The error as a program sees it and as a person does.
fn shown(error: &Error) -> String {
    let mut text = format!(
        "{error}\n  kind {:?}, operation {:?}, status {:?}",
        error.kind(),
        error.operation(),
        error.status()
    );
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        write!(text, "\n  because: {cause}").unwrap();
        source = cause.source();
    }
    assert!(!format!("{text}{error:?}").contains(TOKEN));
    text
}

const JSON: &str = "application/json";
const PAGE: &str = "<html><body>secret internals</body></html>";

#[tokio::test]
async fn every_way_to_fail_has_its_words() {
    let canned = Canned::default();
    let account = account_at(&canned.start().await, &Time::start());
    let failure = |code: u32, text: &str| {
        format!(
            r#"{{"success": false, "errors": [{{"code": {code}, "message": "{text}"}}], "messages": [], "result": null}}"#
        )
    };
    let keys = "no bucket r2://b?access-key-id=AKEXAMPLE&secret-access-key=SKEXAMPLE here";
    let cases = [
        (
            "a bad request",
            400,
            JSON,
            failure(1001, "time_limit must be between 1 and 300"),
        ),
        (
            "no such token",
            401,
            JSON,
            failure(10000, "Authentication error"),
        ),
        ("no permission", 403, JSON, failure(10000, "not allowed")),
        ("no such thing", 404, JSON, failure(1003, "not found")),
        (
            "a conflict",
            409,
            JSON,
            failure(1004, "another full capture is running"),
        ),
        ("too many", 429, JSON, failure(1005, "one sample a minute")),
        ("a fault", 500, JSON, failure(1006, "internal error")),
        ("a gateway's page", 502, "text/html", PAGE.to_owned()),
        ("a page under 200", 200, "text/html", PAGE.to_owned()),
        ("a failure under 200", 200, JSON, failure(1012, "not now")),
        (
            "no result under 200",
            200,
            JSON,
            r#"{"success": true, "result": null}"#.to_owned(),
        ),
        ("an empty object", 200, JSON, "{}".to_owned()),
        ("an empty body", 200, JSON, String::new()),
        ("half a body", 200, JSON, r#"{"success": tr"#.to_owned()),
        ("a redirect", 302, "", String::new()),
        ("a teapot", 418, "text/plain", "short and stout".to_owned()),
        ("an echoed key", 400, JSON, failure(1007, keys)),
        (
            "errors of another shape",
            200,
            JSON,
            format!(r#"{{"success": false, "errors": "{keys}"}}"#),
        ),
        (
            "a code of another type",
            400,
            JSON,
            r#"{"success": false, "errors": [{"code": "1008", "message": "no"}]}"#.to_owned(),
        ),
        (
            "a result of another shape",
            200,
            JSON,
            format!(r#"{{"success": true, "result": {{"{keys}": []}}, "errors": "{keys}"}}"#),
        ),
    ];
    let mut text = String::new();
    for (name, status, media_type, body) in cases {
        // A request that was turned away is sent again; after one that may have worked the list is looked at.
        let times = if status == 429 { 4 } else { 1 };
        for _ in 0..times {
            canned.then(status, media_type, body.clone());
        }
        for _ in times..4 {
            canned.then(200, JSON, r#"{"success": true, "result": []}"#);
        }
        let error = account
            .start(Sample::new(Duration::from_secs(1), 1).unwrap())
            .await
            .unwrap_err();
        canned.forget_answers();
        let requests = canned.requests();
        let starts = requests.iter().filter(|it| it.starts_with("POST ")).count();
        assert_eq!(
            starts, times,
            "{name}: a capture must not be asked for twice"
        );
        assert!(
            !format!("{error:?}{error}").contains("EXAMPLE"),
            "{name}: {error:?}"
        );
        writeln!(text, "# {name}\n{}\n", shown(&error)).unwrap();
    }
    filtered(|| insta::assert_snapshot!(text));
}

#[tokio::test]
async fn a_failure_in_place_of_nothing_is_heard() {
    let canned = Canned::default();
    let account = account(&canned.start().await);
    let failure = r#"{"success": false, "errors": [{"code": 1012, "message": "not now"}]}"#;
    canned.then(200, JSON, failure);
    let error = account.stop(&ID.parse().unwrap()).await.unwrap_err();
    assert_eq!(error.messages()[0].code, Some(1012), "{error}");
    assert_eq!(error.kind(), pcaps::ErrorKind::Refused);
}

#[tokio::test]
async fn nobody_there() {
    let (_socket, url) = nobody();
    let time = Time::start();
    let error = account_at(&url, &time).list().await.unwrap_err();
    assert_eq!(error.kind(), pcaps::ErrorKind::Connection);
    assert_eq!(error.attempts(), 4);
    let pauses: Vec<_> = time.pauses().iter().map(Duration::as_millis).collect();
    assert_eq!(pauses, [500, 1000, 2000]);
    assert!(
        error
            .to_string()
            .starts_with("cannot list captures: the service cannot be reached"),
        "{error}"
    );
}

#[tokio::test]
async fn a_download_that_is_none_leaves_the_file_that_was_there() {
    let canned = Canned::default();
    let account = account(&canned.start().await);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("good.pcap");
    fs::write(&path, "the good one").unwrap();
    let pcap = "application/vnd.tcpdump.pcap";
    let refusal = r#"{"success": false, "errors": [{"code": 1012, "message": "full captures are in your bucket"}]}"#;
    let mut text = String::new();
    for (name, status, media_type, body) in [
        ("a page", 200, pcap, PAGE.as_bytes().to_vec()),
        ("nothing", 200, pcap, Vec::new()),
        (
            "a refusal under 200",
            200,
            pcap,
            refusal.as_bytes().to_vec(),
        ),
        ("a refusal", 400, JSON, refusal.as_bytes().to_vec()),
        ("a torn file", 200, pcap, torn()),
    ] {
        canned.then(status, media_type, body);
        let error = account
            .download(&ID.parse().unwrap())
            .to_path(&path)
            .await
            .unwrap_err();
        writeln!(text, "# {name}\n{}\n", shown(&error)).unwrap();
        let files: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|it| it.unwrap().file_name())
            .collect();
        assert_eq!(files, ["good.pcap"], "{name}: nothing else may be left");
        assert_eq!(fs::read_to_string(&path).unwrap(), "the good one", "{name}");
    }
    filtered(|| insta::assert_snapshot!(text));
}

/// A capture file whose second record is cut.
fn torn() -> Vec<u8> {
    use pcaps_file::{LinkType, Packet, Timestamp, Writer, WriterOptions};
    let mut writer = Writer::new(Vec::new(), WriterOptions::new(LinkType::RAW)).unwrap();
    for second in 1..=2 {
        let packet = Packet {
            timestamp: Timestamp::from_parts(second, 0),
            link_type: LinkType::RAW,
            original_len: 20,
            bytes: &[0x45; 20],
        };
        writer.write(&packet).unwrap();
    }
    let mut file = writer.finish().unwrap();
    file.truncate(file.len() - 1);
    file
}
