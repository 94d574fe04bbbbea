//! `pcaps query`: what it refuses, and what it says to, and makes of, the program that asks Spark. The program itself, and
//! engines, are asked by `tests/query/run`.

use std::{fs, path::PathBuf, process::Command};

use serde_json::{Value, json};

use crate::support::{Run, filtered, pcaps, root, run};

const QUESTIONS: [&str; 8] = [
    "top-talkers",
    "ports",
    "syn-flood",
    "dns-amplification",
    "scan",
    "timeline",
    "retransmits",
    "mtu",
];

fn sql(name: &str) -> String {
    let path = format!("crates/pcaps-query/sql/{name}.sql");
    fs::read_to_string(root().join(path)).unwrap()
}

/// Three columns; a row with what is awkward, and one with nothing.
const ANSWER: &str = r#"{"columns":["z","a","ts"]}
["x, \"y\"\n",1.5,"2026-11-23T10:00:00.250000Z"]
[null,[1,{"b":null}],null]
{"end":2}
"#;

/// A program in the place of Python: it keeps what it is told, and answers as it was ordered.
pub(crate) struct Fake {
    folder: tempfile::TempDir,
}

impl Fake {
    pub(crate) fn answering(answer: &str) -> Self {
        let fake = Self::doing("cat answer");
        fs::write(fake.path("answer"), answer).unwrap();
        fake
    }

    /// The same, which does these commands of a shell once it has read the request.
    fn doing(commands: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("python");
        let script = format!(
            "#!/bin/sh\nread -r request\nprintf '%s' \"$request\" >request\nprintf '%s\\n' \"$@\" >arguments\n{commands}\n"
        );
        fs::write(&program, script).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&program, mode).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = pcaps();
        command
            .current_dir(self.folder.path())
            .env("PATH", "/usr/bin:/bin")
            .env("PYSPARK_PYTHON", self.path("python"))
            .env("SPARK_REMOTE", "sc://spark.example:15002/;token=t0ps3cret")
            .args(["query", "--from", "data"])
            .args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        run(&mut self.command(arguments))
    }
}

#[test]
fn the_sql_is_that_of_the_files() {
    for name in QUESTIONS {
        let run = run(pcaps().args(["query", "--ask", name, "--show-sql"])).ok();
        assert_eq!((run.stdout, run.stderr.as_str()), (sql(name), ""));
    }
    let view = run(pcaps().args(["query", "--show-sql"])).ok();
    assert_eq!(view.stdout, sql("flows"));
    let own = run(pcaps().args(["query", "SELECT 1", "--show-sql"])).ok();
    assert_eq!(own.stdout, "SELECT 1\n");
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let ask = ["query", "SELECT 1", "--from", "data"];
    let spark = ["--engine", "sc://127.0.0.1:1"];
    for (name, arguments) in [
        ("no_engine", &ask[..]),
        ("no_question", &["query", "--from", "data"]),
        ("no_data_set", &["query", "--ask", "mtu"]),
        (
            "odd_question",
            &["query", "--ask", "talkers", "--from", "data"],
        ),
        (
            "two_questions",
            &["query", "SELECT 1", "--ask", "mtu", "--from", "data"],
        ),
        (
            "odd_engine",
            &[&ask[..], &["--engine", "postgres://me:secret@db"]].concat(),
        ),
        (
            "token",
            &[&ask[..], &["--engine", "sc://h/;token=t0ps3cret"]].concat(),
        ),
        ("odd_ending", &[&ask[..], &spark, &["-o", "x.txt"]].concat()),
        (
            "two_formats",
            &[&ask[..], &spark, &["-o", "x.csv", "--json"]].concat(),
        ),
        ("fields", &[&ask[..], &spark, &["--fields", "a"]].concat()),
        ("ids", &[&ask[..], &spark, &["--output", "id"]].concat()),
        (
            "sql_as_json",
            &["query", "--ask", "mtu", "--show-sql", "--json"],
        ),
        ("csv_of_another", &["list", "--output", "csv"]),
        (
            "keys",
            &[
                &["query", "SELECT 1", "--from", "s3a://key:s3cret@b/d"],
                &spark[..],
            ]
            .concat(),
        ),
        ("no_python", &[&ask[..], &spark].concat()),
    ] {
        let run = run(pcaps().env("PATH", "/nowhere").args(arguments));
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(2), ""),
            "{name}: {}",
            run.text()
        );
        assert!(!run.stderr.contains("s3cret"), "{name}: {}", run.text());
        filtered(|| insta::assert_snapshot!(format!("refused_{name}"), run.stderr));
    }
}

#[test]
fn an_answer_has_each_form() {
    let fake = Fake::answering(ANSWER);
    for format in ["table", "json", "ndjson", "yaml", "csv"] {
        let run = fake.run(&["SELECT 1", "--output", format]).ok();
        assert_eq!(run.stderr, "", "{format}");
        filtered(|| insta::assert_snapshot!(format!("answer_{format}"), run.stdout));
    }
    let nothing = Fake::answering("{\"columns\":[\"a\"]}\n{\"end\":0}\n");
    for (format, printed) in [
        ("table", "A\n"),
        ("json", "[]\n"),
        ("ndjson", ""),
        ("csv", "a\n"),
    ] {
        let run = nothing.run(&["SELECT 1", "--output", format]).ok();
        assert_eq!(run.stdout, printed, "{format}");
    }
}

/// A token is told where no other user sees it.
#[test]
fn what_is_asked_goes_to_standard_input() {
    let fake = Fake::answering(ANSWER);
    fake.run(&["SELECT 1 ;\n"]).ok();
    let request: Value = serde_json::from_str(&fake.read("request")).unwrap();
    let data = fake.folder.path().canonicalize().unwrap().join("data");
    assert_eq!(
        request,
        json!({
            "engine": "sc://spark.example:15002/;token=t0ps3cret",
            "from": data,
            "flows": sql("flows"),
            "sql": "SELECT 1",
            "parquet": null,
        })
    );
    let arguments = fake.read("arguments");
    assert!(arguments.starts_with("-c\n") && !arguments.contains("t0ps3cret"));
    // What is given comes before the environment.
    let other = [
        "--ask",
        "scan",
        "--engine",
        "spark://m:7077",
        "--from",
        "s3a://b/d",
    ];
    let mut command = fake.command(&[]);
    run(pcaps()
        .envs(command.get_envs().filter_map(|it| Some((it.0, it.1?))))
        .current_dir(fake.folder.path())
        .arg("query")
        .args(other))
    .ok();
    let request: Value = serde_json::from_str(&fake.read("request")).unwrap();
    assert_eq!(request["engine"], "spark://m:7077");
    assert_eq!(request["from"], "s3a://b/d");
    assert_eq!(request["sql"], sql("scan").trim_end());
    // And so may the question.
    fs::write(fake.path("q.sql"), "SELECT 2\n").unwrap();
    let file = fs::File::open(fake.path("q.sql")).unwrap();
    run(command.arg("-").stdin(file)).ok();
    assert!(fake.read("request").contains("\"SELECT 2\""));
}

#[test]
fn a_file_is_whole_or_not_there() {
    let fake = Fake::answering(ANSWER);
    let saved = fake.run(&["SELECT 1", "-o", "a.csv"]).ok();
    assert_eq!(
        (saved.stdout.as_str(), saved.stderr.as_str()),
        ("", "a.csv: 2 rows\n")
    );
    let printed = fake.run(&["SELECT 1", "--output", "csv"]).ok().stdout;
    assert_eq!(fake.read("a.csv"), printed);
    let parquet = Fake::doing(
        "path=$(expr \"$request\" : '.*\"parquet\":\"\\([^\"]*\\)\"'); printf PAR1 >\"$path\"\necho '{\"columns\":[\"a\"]}'\necho '{\"end\":7}'",
    );
    let saved = parquet.run(&["SELECT 1", "-o", "a.parquet"]).ok();
    assert_eq!(saved.stderr, "a.parquet: 7 rows\n");
    assert_eq!(parquet.read("a.parquet"), "PAR1");

    let torn = ANSWER.rsplit_once("{\"end\"").unwrap().0;
    for (name, answer) in [
        ("no_end", torn.to_owned()),
        ("half_a_row", torn[..torn.len() - 3].to_owned()),
        ("one_lost", torn.to_owned() + "{\"end\":3}\n"),
        ("no_columns", "[1]\n".to_owned()),
        ("not_json", "hello\n".to_owned()),
        ("nothing", String::new()),
        ("twins", "{\"columns\":[\"a\",\"a\"]}\n{\"end\":0}\n".to_owned()),
        (
            "engine",
            "{\"error\":{\"kind\":\"engine\",\"message\":\"no\\nsc://spark.example:15002/;token=t0ps3cret: t0ps3cret\"}}\n".to_owned(),
        ),
        (
            "sql",
            "{\"error\":{\"kind\":\"sql\",\"message\":\"there is no x\"}}\n".to_owned(),
        ),
    ] {
        let fake = Fake::answering(&answer);
        let run = fake.run(&["SELECT 1", "-o", "a.ndjson"]);
        let left = fs::read_dir(fake.folder.path()).unwrap();
        let left = left.filter(|it| {
            let name = it.as_ref().unwrap().file_name().into_string().unwrap();
            name.starts_with(".pcaps-") || name == "a.ndjson"
        });
        assert_eq!(left.count(), 0, "{name}");
        assert!(!run.text().contains("t0ps3cret"), "{name}: {}", run.text());
        let python = fake.path("python").display().to_string();
        let text = run.text().replace(&python, "[PYTHON]");
        filtered(|| insta::assert_snapshot!(format!("broken_{name}"), text));
    }
}

#[test]
fn its_last_words_are_told() {
    let fake = Fake::doing("echo noise >&2; echo 'no module t0ps3cret' >&2; exit 3");
    let run = fake.run(&["SELECT 1"]);
    assert_eq!(run.code, Some(1), "{}", run.text());
    assert!(
        run.stderr.ends_with(": no module REDACTED\n"),
        "{}",
        run.text()
    );
}

/// Whoever asked has gone: the program hears it, and gives the query up.
#[test]
fn ctrl_c_ends_the_query() {
    let fake = Fake::doing("echo >begun\ncat >/dev/null\necho ended >end");
    let fifo = fake.path("begun");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let mut child = fake.command(&["SELECT 1", "-o", "a.csv"]).spawn().unwrap();
    // Until it has begun.
    fs::read(&fifo).unwrap();
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(fake.read("end"), "ended\n");
    assert!(!fake.path("a.csv").exists());
}
