//! The engine in this process, over a small data set.
#![cfg(feature = "datafusion")]

use std::{fs, path::Path, sync::Arc};

use datafusion::{
    parquet::arrow::ArrowWriter,
    prelude::{SessionConfig, SessionContext},
};
use futures_util::{StreamExt as _, stream::BoxStream};
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult, memory::InMemory,
    path::Path as Key,
};
use pcaps_query::{Engine, ErrorKind, Query, Question, Stop};
use serde_json::{Value, json};

/// The columns that the questions and the view ask for; a SYN, its answer, and what is not IP.
const PACKETS: &str = "
    SELECT to_timestamp_micros(ts)::timestamp AT TIME ZONE 'UTC' AS ts,
        src AS src_addr, dst AS dst_addr, sport::int AS src_port, dport::int AS dst_port,
        CASE WHEN src IS NULL THEN NULL ELSE 6 END::int AS protocol,
        CASE WHEN src IS NULL THEN NULL ELSE 'TCP' END AS protocol_name,
        flags::int AS tcp_flags, ts AS tcp_seq, 0::int AS payload_len, 40::bigint AS original_len, 0::int AS tunnels,
        NULL::bigint AS fragment_id, NULL::int AS icmp_type, NULL::int AS icmp_code
    FROM (VALUES
        (1767225600250000, '192.0.2.1', '203.0.113.1', 1000, 443, 2),
        (1767225600500000, '203.0.113.1', '192.0.2.1', 443, 1000, 18),
        (1767225660000001, NULL, NULL, NULL, NULL, NULL)
    ) AS rows (ts, src, dst, sport, dport, flags)";

/// A data set with these packets, and one of nothing.
fn data_set() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (schema, batches) = runtime.block_on(async {
        let config = SessionConfig::new().set_bool(
            "datafusion.execution.parquet.schema_force_view_types",
            false,
        );
        let frame = SessionContext::new_with_config(config)
            .sql(PACKETS)
            .await
            .unwrap();
        (
            frame.schema().inner().clone(),
            frame.collect().await.unwrap(),
        )
    });
    for (name, batches) in [("capture_id=id-1", &batches[..]), ("capture_id=id-2", &[])] {
        let place = folder.path().join(name).join("date=2026-01-01/hour=0");
        fs::create_dir_all(&place).unwrap();
        let file = fs::File::create(place.join("0.parquet")).unwrap();
        let mut writer = ArrowWriter::try_new(file, schema.clone(), None).unwrap();
        for batch in batches {
            writer.write(batch).unwrap();
        }
        writer.close().unwrap();
    }
    // What is being made is no part of it.
    fs::create_dir(folder.path().join("_staging")).unwrap();
    fs::write(folder.path().join("_staging/0.parquet"), "half").unwrap();
    folder
}

fn ask(sql: &str, from: &Path) -> Result<(Vec<String>, Vec<Vec<Value>>), pcaps_query::Error> {
    let query = Query::new(sql, from.display().to_string());
    let answer = Engine::embedded().ask(&query, &Stop::default())?;
    let columns = answer.columns().to_vec();
    Ok((columns, answer.collect::<Result<_, _>>()?))
}

#[test]
fn every_question_has_an_answer() {
    let data = data_set();
    for question in Question::all() {
        let (_, rows) = ask(question.sql(), data.path()).unwrap();
        let expected = match question.name() {
            "top-talkers" | "ports" | "timeline" => 2,
            _ => 0,
        };
        assert_eq!(rows.len(), expected, "{}: {rows:?}", question.name());
    }
    let (columns, rows) = ask("SELECT * FROM flows ORDER BY src_addr;", data.path()).unwrap();
    assert_eq!(columns.len(), 16);
    assert_eq!(rows.len(), 2);
    assert_eq!(
        rows[0][..3],
        [json!("id-1"), json!("192.0.2.1"), json!("203.0.113.1")]
    );
    assert_eq!(rows[0][7], json!("2026-01-01T00:00:00.250000Z"));
}

/// The files of a folder as objects of a bucket, below this path.
fn bucket(folder: &Path, prefix: &str) -> Arc<InMemory> {
    let store = Arc::new(InMemory::new());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for it in fs::read_dir(next).unwrap() {
            let path = it.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let below = path.strip_prefix(folder).unwrap().to_str().unwrap();
            let key = Key::parse(format!("{prefix}/{below}")).unwrap();
            let bytes = fs::read(&path).unwrap();
            runtime.block_on(store.put(&key, bytes.into())).unwrap();
        }
    }
    store
}

#[test]
fn a_data_set_in_a_bucket() {
    let data = data_set();
    // Escaped as a key may be, and once only.
    let prefix = "a b/c%25d";
    let store = bucket(data.path(), prefix);
    let ask = |sql: &str, prefix: &str| {
        let query = Query::new(sql, "s3://captures/d").in_bucket(
            store.clone(),
            Key::parse(prefix).unwrap(),
            |_| String::new(),
        );
        let answer = Engine::embedded().ask(&query, &Stop::default())?;
        answer.collect::<Result<Vec<_>, _>>()
    };
    let found = ask(
        "SELECT capture_id, date, hour, count(*) FROM packets GROUP BY 1, 2, 3",
        prefix,
    );
    assert_eq!(
        found,
        Ok(vec![vec![
            json!("id-1"),
            json!("2026-01-01"),
            json!(0),
            json!(3)
        ]])
    );
    for question in Question::all() {
        let found = ask(question.sql(), prefix);
        let here = self::ask(question.sql(), data.path()).map(|it| it.1);
        assert_eq!(found, here, "{}", question.name());
    }
    let nothing = ask("SELECT 1", "elsewhere").unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::NoData);
    assert!(
        nothing
            .to_string()
            .starts_with("s3://captures/d holds no Parquet file"),
        "{nothing}"
    );
}

#[test]
fn values_are_as_they_are_described() {
    let data = data_set();
    let sql = "SELECT max(ts) AS t, max(hour) AS h, max(date) AS d, CAST('NaN' AS DOUBLE) AS nan, 1.5 AS f,
        CAST(12.50 AS DECIMAL(10, 2)) AS small, CAST('12345678901234567890.5' AS DECIMAL(30, 1)) AS large,
        NULL AS nothing, count(*) > 0 AS yes, make_array(1, NULL) AS list, named_struct('a', 1) AS one,
        CAST(max(ts) AS TIMESTAMP) AS naive FROM packets";
    let (_, rows) = ask(sql, data.path()).unwrap();
    assert_eq!(
        Value::from(rows[0].clone()),
        json!([
            "2026-01-01T00:01:00.000001Z", 0, "2026-01-01", "NaN", 1.5, 12.5, "12345678901234567890.5",
            null, true, [1, null], {"a": 1}, "2026-01-01T00:01:00.000001",
        ])
    );
}

#[test]
fn a_file_has_the_rows() {
    let data = data_set();
    let path = data.path().join("_flows.parquet");
    let query = Query::new("SELECT * FROM flows", data.path().display().to_string());
    let rows = Engine::embedded().save(&query, &path, &Stop::default());
    assert_eq!(rows, Ok(2));
    assert!(fs::read(&path).unwrap().starts_with(b"PAR1"));
}

#[test]
fn what_cannot_be_asked_is_said() {
    let data = data_set();
    let kind = |sql: &str, from: &Path| ask(sql, from).unwrap_err().kind();
    for sql in [
        "SELECT",
        "SELECT nix FROM packets",
        "DROP TABLE packets",
        "COPY packets TO 'x.parquet'",
        "SET a = 1",
    ] {
        assert_eq!(kind(sql, data.path()), ErrorKind::InvalidInput, "{sql}");
    }
    let empty = tempfile::tempdir().unwrap();
    for from in [
        empty.path(),
        &data.path().join("capture_id=id-1"),
        Path::new("/nowhere"),
    ] {
        assert_eq!(
            kind("SELECT 1", from),
            ErrorKind::NoData,
            "{}",
            from.display()
        );
    }
    assert_eq!(
        kind("SELECT 1", Path::new("s3://b/d")),
        ErrorKind::InvalidInput
    );
    fs::write(
        data.path()
            .join("capture_id=id-1/date=2026-01-01/hour=0/0.parquet"),
        "torn",
    )
    .unwrap();
    assert_eq!(kind("SELECT 1", data.path()), ErrorKind::NoData);
}

/// The same moment is written the same, whichever zone the SQL has put it in.
#[test]
fn zones_lengths_of_time_and_maps() {
    let data = data_set();
    let sql = "SELECT min(ts) AT TIME ZONE 'America/Chicago' AS there, max(ts) - min(ts) AS length, max(ts) - max(ts) AS none,
        CAST(0.123456789012345 AS DECIMAL(15, 15)) AS fifteen, CAST(0 AS DECIMAL(38, 18)) AS zero,
        map([1, 2], [1, NULL]) AS keys FROM packets";
    let (_, rows) = ask(sql, data.path()).unwrap();
    assert_eq!(
        Value::from(rows[0].clone()),
        json!(["2026-01-01T00:00:00.250000Z", "PT59.750001S", "PT0S", 0.123_456_789_012_345, 0.0, {"1": 1, "2": null}])
    );
}

/// What engines take for a pattern elsewhere is a name here.
#[test]
fn a_folder_with_brackets() {
    let data = data_set();
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join("run[1] *?%20");
    fs::rename(data.path(), &odd).unwrap();
    let (_, rows) = ask("SELECT count(*) FROM packets", &odd).unwrap();
    assert_eq!(rows, [[json!(3)]]);
}

/// Stopped while rows wait to be taken, it does not look as if these were all.
#[test]
fn an_answer_that_was_stopped_is_not_whole() {
    let data = data_set();
    let stop = Stop::default();
    let query = Query::new(
        "SELECT value FROM generate_series(1, 10000000)",
        data.path().display().to_string(),
    );
    let mut answer = Engine::embedded().ask(&query, &stop).unwrap();
    assert!(answer.next().unwrap().is_ok());
    // As many batches wait as may.
    std::thread::sleep(std::time::Duration::from_millis(500));
    stop.now();
    let end = answer.find_map(Result::err);
    assert_eq!(end.map(|it| it.kind()), Some(ErrorKind::Stopped));
}

/// A store that fails, and whose server repeats what it was sent.
#[derive(Debug)]
struct Talkative;

impl std::fmt::Display for Talkative {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Talkative")
    }
}

fn said<T>() -> object_store::Result<T> {
    let source = "<Token-0>secret</Token-0>".into();
    let store = "S3";
    Err(object_store::Error::Generic { store, source })
}

#[async_trait::async_trait]
impl ObjectStore for Talkative {
    async fn put_opts(
        &self,
        _: &Key,
        _: PutPayload,
        _: PutOptions,
    ) -> object_store::Result<PutResult> {
        said()
    }

    async fn put_multipart_opts(
        &self,
        _: &Key,
        _: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        said()
    }

    async fn get_opts(&self, _: &Key, _: GetOptions) -> object_store::Result<GetResult> {
        said()
    }

    fn delete_stream(
        &self,
        keys: BoxStream<'static, object_store::Result<Key>>,
    ) -> BoxStream<'static, object_store::Result<Key>> {
        keys
    }

    fn list(&self, _: Option<&Key>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        futures_util::stream::once(async { said() }).boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&Key>) -> object_store::Result<ListResult> {
        said()
    }

    async fn copy_opts(&self, _: &Key, _: &Key, _: CopyOptions) -> object_store::Result<()> {
        said()
    }
}

/// Answers of S3 to a token that has run out have that token in them.
#[test]
fn what_a_store_says_is_not_passed_on() {
    let query = Query::new("SELECT 1", "s3://b/d").in_bucket(
        Arc::new(Talkative),
        Key::from("d"),
        |error| format!("explained, of {} bytes", error.to_string().len()),
    );
    let error = Engine::embedded()
        .ask(&query, &Stop::default())
        .unwrap_err();
    assert!(error.to_string().contains("explained, of "), "{error}");
    assert!(!format!("{error} {error:?} {query:?}").contains("secret"));
}

/// What was stopped before it began has no answer, also where no answer is waited for.
#[test]
fn stopped_beforehand() {
    let data = data_set();
    let store = bucket(data.path(), "d");
    let stop = Stop::default();
    stop.now();
    for _ in 0..20 {
        let query = Query::new("SELECT * FROM packets", "s3://b/d").in_bucket(
            store.clone(),
            Key::from("d"),
            ToString::to_string,
        );
        let answered = Engine::embedded().ask(&query, &stop);
        let end = answered.map_or_else(Some, |mut it| it.find_map(Result::err));
        assert_eq!(end.map(|it| it.kind()), Some(ErrorKind::Stopped));
    }
}

#[test]
fn it_ends_when_it_is_told_to() {
    let data = data_set();
    let stop = Stop::default();
    let query = Query::new(
        "SELECT a.value FROM generate_series(1, 100000000) a ORDER BY a.value % 7",
        data.path().display().to_string(),
    );
    let mut answer = Engine::embedded().ask(&query, &stop).unwrap();
    stop.now();
    let end = answer.find_map(Result::err);
    assert_eq!(end.map(|it| it.kind()), Some(ErrorKind::Stopped));
}
