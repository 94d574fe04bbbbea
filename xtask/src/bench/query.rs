//! `cargo xtask bench query`: the questions over ten million packets, `pcaps` with its own engine beside `DuckDB`; and Sail with
//! one, two and four workers.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

use super::{Bench, Contestant, Goal, programs, ratio, traffic::Capture};
use crate::contract::process::{Server, free_port};

/// The question that has a goal; the others are measured beside it.
const FIRST: &str = "top-talkers";
const OTHERS: [&str; 7] = [
    "ports",
    "syn-flood",
    "dns-amplification",
    "scan",
    "timeline",
    "retransmits",
    "mtu",
];

/// Asks `DuckDB`: the SQL of the question, that of the view, and the folder of the data set. What is answered is counted, so that
/// it is made.
const DUCKDB: &str = "
import sys, duckdb
question, flows, folder = sys.argv[1:]
connection = duckdb.connect()
connection.execute(\"SET TimeZone = 'UTC'\")
files = folder + '/*/*/*/*.parquet'
connection.execute(f\"CREATE VIEW packets AS SELECT * FROM read_parquet('{files}', hive_partitioning = true)\")
connection.execute(f'CREATE VIEW flows AS {flows}')
print(len(connection.execute(question).fetchall()))
";

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    let packages = programs::packages("tests/query")?;
    let with_engine = ["--package", "pcaps-cli", "--features", "query"];
    let pcaps = programs::build(&with_engine, "pcaps")?;
    let capture = Capture {
        packets: if bench.quick { 100_000 } else { 10_000_000 },
        snap: Some(160),
    };
    let (file, data) = (bench.work().join("traffic.pcap"), bench.work().join("data"));
    capture.write(&file)?;
    let mut export = Command::new(&pcaps);
    export
        .args(["export", "--quiet", "-o"])
        .arg(&data)
        .arg(&file);
    ensure!(export.status()?.success(), "{export:?} failed");
    std::fs::remove_file(&file)?;
    let asking = Asking {
        python: packages.program("python"),
        sail: packages.program("sail"),
        flows: printed(&pcaps, &["query", "--show-sql"])?,
        pcaps,
        data,
        packets: capture.packets,
    };
    asking.beside_duckdb(bench)?;
    asking.on_workers(bench)
}

/// What is asked, and by what.
struct Asking {
    python: PathBuf,
    sail: PathBuf,
    pcaps: PathBuf,
    /// The SQL of the view.
    flows: String,
    data: PathBuf,
    packets: u64,
}

impl Asking {
    fn beside_duckdb(&self, bench: &mut Bench) -> Result<()> {
        for name in [FIRST].into_iter().chain(OTHERS) {
            let sql = printed(&self.pcaps, &["query", "--ask", name, "--show-sql"])?;
            // The others are there for who wants to know.
            let rounds = if name == FIRST { bench.rounds } else { 1 };
            let title = format!("{name} of {} packets", self.packets);
            let contestants = [
                self.duckdb(&sql),
                self.pcaps("pcaps query", name, &["--engine", "datafusion"]),
            ];
            let figures = bench.contest_of(rounds, &title, &contestants)?;
            if name == FIRST {
                let times = ratio(figures[1].wall, figures[0].wall);
                bench.goal("wall time to DuckDB's", times, Goal::AtMost(2.0))?;
            }
        }
        Ok(())
    }

    fn on_workers(&self, bench: &mut Bench) -> Result<()> {
        for workers in ["1", "2", "4"] {
            let port = free_port()?;
            let mut server = Command::new(&self.sail);
            server
                .args(["spark", "server", "--ip", "127.0.0.1", "--port"])
                .arg(port.to_string())
                .env("SAIL_MODE", "local-cluster")
                .env("SAIL_CLUSTER__WORKER_INITIAL_COUNT", workers)
                .env("SAIL_CLUSTER__WORKER_MAX_COUNT", workers);
            let log = bench.work().join("sail.log");
            let _server = Server::start(&mut server, port, &log)?;
            let engine = format!("sc://127.0.0.1:{port}");
            let title = format!(
                "{FIRST} of {} packets on Sail, workers: {workers}",
                self.packets
            );
            let asked = self.pcaps("pcaps query --engine sc://", FIRST, &["--engine", &engine]);
            bench.contest(&title, &[asked])?;
        }
        Ok(())
    }

    fn duckdb(&self, sql: &str) -> Contestant {
        let python = self.python.clone();
        let arguments = [DUCKDB, sql, &self.flows].map(str::to_owned);
        let data = self.data.clone();
        Contestant::new("DuckDB", move || {
            let mut command = Command::new(&python);
            command.arg("-c").args(&arguments).arg(&data);
            command
        })
    }

    fn pcaps(&self, name: &str, question: &str, engine: &[&str]) -> Contestant {
        let (pcaps, python, data) = (self.pcaps.clone(), self.python.clone(), self.data.clone());
        let mut arguments = vec!["query", "--ask", question];
        arguments.extend(engine);
        let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
        Contestant::new(name, move || {
            let mut command = Command::new(&pcaps);
            command.args(&arguments).arg("--from").arg(&data);
            command.env("PYSPARK_PYTHON", &python);
            command
        })
    }
}

fn printed(program: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output()?;
    ensure!(output.status.success(), "{} failed", program.display());
    String::from_utf8(output.stdout).context("it prints what is no text")
}
