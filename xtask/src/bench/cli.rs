//! `cargo xtask bench cli`: how long the program takes to begin, beside `curl`, and how large it is.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::{
    Bench, Goal,
    client::{CAPTURE, Server, TOKEN},
    programs,
};

/// A list is never longer.
const CAPTURES: usize = 50;

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    let curl = programs::installed("curl", "curl")?;
    let ours = programs::build(&["--package", "pcaps-cli"], "pcaps")?;
    let contest = Contest {
        hyperfine: programs::installed("hyperfine", "hyperfine")?,
        export: bench.work().join("hyperfine.json"),
        runs: if bench.quick { 10 } else { bench.rounds * 100 },
    };
    let path = |it: &Path| it.to_string_lossy().into_owned();
    let (curl, pcaps) = (path(&curl), path(&ours));

    let help = contest.medians(&[&[&curl, "--version"], &[&pcaps, "--help"]], &[])?;
    print(
        bench,
        "the first words",
        &["curl --version", "pcaps --help"],
        &help,
    )?;
    bench.goal("time to curl's", help[1] / help[0], Goal::AtMost(1.5))?;

    fs::write(bench.work().join("list.json"), list())?;
    let server = Server::start(bench.work())?;
    let url = server.list_url();
    let authorization = format!("Authorization: Bearer {TOKEN}");
    let asked = [
        &curl,
        "--silent",
        "--fail",
        "--header",
        &authorization,
        &url,
    ];
    let listed = contest.medians(&[&asked, &[&pcaps, "list"]], &server.environment())?;
    print(
        bench,
        &format!("a list of {CAPTURES} captures, from an nginx on this machine"),
        &["curl", "pcaps list"],
        &listed,
    )?;
    bench.goal("time to curl's", listed[1] / listed[0], Goal::AtMost(2.0))?;

    writeln!(bench.report, "\nthe program")?;
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let megabytes = fs::metadata(&ours)?.len() as f64 / 1e6;
    bench.goal("size, stripped, MB", megabytes, Goal::AtMost(20.0))
}

fn print(bench: &mut Bench, title: &str, names: &[&str], medians: &[f64]) -> Result<()> {
    writeln!(bench.report, "\n{title} (medians)")?;
    for (name, seconds) in names.iter().zip(medians) {
        let (milliseconds, ratio) = (seconds * 1e3, seconds / medians[0]);
        writeln!(
            bench.report,
            "  {name:<28} {milliseconds:>9.2} ms {ratio:>6.2}x"
        )?;
    }
    Ok(())
}

/// How short runs are measured.
struct Contest {
    hyperfine: PathBuf,
    export: PathBuf,
    runs: usize,
}

impl Contest {
    /// The medians of the commands' times, in seconds, without a shell between.
    fn medians(&self, commands: &[&[&str]], environment: &[(&str, String)]) -> Result<Vec<f64>> {
        let mut command = Command::new(&self.hyperfine);
        command
            .args(["--shell=none", "--style=none", "--warmup=10", "--runs"])
            .arg(self.runs.to_string())
            .arg("--export-json")
            .arg(&self.export)
            .args(commands.iter().map(|it| quoted(it)))
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let status = command.status().context("cannot run hyperfine")?;
        if !status.success() {
            bail!("{command:?} failed ({status})");
        }
        let found: Value = serde_json::from_slice(&fs::read(&self.export)?)?;
        let medians = found["results"].as_array().into_iter().flatten();
        let medians: Vec<_> = medians.filter_map(|it| it["median"].as_f64()).collect();
        if medians.len() != commands.len() {
            bail!("hyperfine has not measured all of {commands:?}");
        }
        Ok(medians)
    }
}

/// A command as hyperfine reads it.
fn quoted(words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|it| format!("'{it}'")).collect();
    words.join(" ")
}

/// What the service answers at most when it is asked for the list.
fn list() -> String {
    let captures: Vec<_> = (0..CAPTURES)
        .map(|number| {
            json!({
                "id": format!("{}{number:02}", &CAPTURE[2..]), "type": "simple", "system": "magic-transit",
                "status": "success", "submitted": "2026-01-02T03:04:05.678901Z", "time_limit": 300,
                "packet_limit": 10000, "filter_v1": {"destination_port": 53, "protocol": 17},
            })
        })
        .collect();
    json!({"success": true, "errors": [], "messages": [], "result": captures}).to_string()
}
