//! The engine in this process, over a small data set.
#![cfg(feature = "datafusion")]

use std::{fs, path::Path};

use datafusion::{
    parquet::arrow::ArrowWriter,
    prelude::{SessionConfig, SessionContext},
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
