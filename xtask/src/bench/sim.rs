//! `cargo xtask bench sim`: the simulator beside nginx, and its full captures beside `cp`.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::{
    Bench, Goal,
    client::{Server, rate, write_capture},
    programs, ratio,
};
use crate::contract::process;

/// What packets of the replayed traffic hold, in bytes.
const PACKET: u32 = 1_400;

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    let curl = programs::installed("curl", "curl")?;
    let wrk = programs::installed("wrk", "wrk")?;
    let pcaps = programs::build(&["--package", "pcaps-cli"], "pcaps")?;

    requests(bench, &pcaps, &curl, &wrk)?;
    samples(bench, &pcaps, &curl)?;
    full(bench, &pcaps, &curl)
}

/// Requests a second for one capture, beside an nginx that answers the same for all.
fn requests(bench: &mut Bench, pcaps: &Path, curl: &Path, wrk: &Path) -> Result<()> {
    let simulator = Simulator::start(bench, pcaps, curl, &[])?;
    let nginx = Server::start(bench.work())?;
    let id = simulator.start_capture(&sample(100))?;
    let authorization = format!("Authorization: Bearer {}", simulator.running.said.api_token);
    let seconds = if bench.quick { "1s" } else { "4s" };
    let load = |url: &str| {
        let mut command = Command::new(wrk);
        command.args(["-t", "1", "-c", "64", "-d", seconds]);
        command.args(["-H", &authorization, url]);
        command
    };
    let mut ours = load(&simulator.url(&format!("/{id}")));
    let mut beside = load(&nginx.capture_url());
    let (mut rates, mut others) = (Vec::new(), Vec::new());
    for _ in 0..bench.rounds {
        rates.push(rate(&mut ours, "Requests/sec:")?);
        others.push(rate(&mut beside, "Requests/sec:")?);
    }
    let (rate, other) = (median(rates), median(others));
    writeln!(
        bench.report,
        "\nrequests for a capture a second, 64 connections (medians of {}; wrk shares the processors)\n  {:<28} \
         {rate:>9.0}\n  {:<28} {other:>9.0}",
        bench.rounds, "pcaps sim", "nginx, a fixed answer"
    )?;
    bench.goal("requests a second", rate, Goal::AtLeast(20_000.0))?;
    // On a machine that is too slow for that, what counts is how it stands beside the other.
    if rate < 20_000.0 {
        bench.goal("to nginx's", rate / other, Goal::AtLeast(0.1))?;
    }
    Ok(())
}

/// The time to make a sample of as many packets as there may be.
fn samples(bench: &mut Bench, pcaps: &Path, curl: &Path) -> Result<()> {
    let simulator = Simulator::start(bench, pcaps, curl, &[])?;
    let (mut times, mut lists) = (Vec::new(), Vec::new());
    for _ in 0..bench.rounds {
        let body = sample(10_000).to_string();
        times.push(simulator.timed(&["--data", &body, &simulator.url("")])?);
        lists.push(simulator.timed(&[&simulator.url("")])?);
    }
    let (time, list) = (median(times), median(lists));
    let newest = &simulator.get(&simulator.url(""))?["result"][0];
    let id = newest["id"].as_str().context("no capture")?;
    let size = simulator.size(&simulator.url(&format!("/{id}/download")))?;
    // A header, and of each packet its own and most of 160 bytes.
    if size < 24 + 10_000 * (16 + 28) {
        bail!("a sample of 10,000 packets has {size} bytes only");
    }
    writeln!(
        bench.report,
        "\na sample of 10,000 packets (medians of {}; curl's time_total)\n  {:<28} {:>9.1} ms\n  {:<28} {:>9.1} ms",
        bench.rounds,
        "POST of a sample",
        time * 1e3,
        "GET of the list",
        list * 1e3
    )?;
    bench.goal("a sample, ms", time * 1e3, Goal::AtMost(50.0))
}

/// A full capture into a folder, beside `cp` of its files.
fn full(bench: &mut Bench, pcaps: &Path, curl: &Path) -> Result<()> {
    let cp = programs::installed("cp", "coreutils")?;
    let bytes: u64 = if bench.quick {
        10_000_000
    } else {
        1_000_000_000
    };
    let recording = bench.work().join("traffic.pcap");
    write_capture(&recording, 64 << 20, PACKET)?;
    let buckets = bench.work().join("buckets");
    let folder = buckets.join("s3/captures/edge");
    let copy = bench.work().join("copy");
    let (mut ours, mut others) = (Vec::new(), Vec::new());
    // The first round warms up.
    for round in 0..=bench.rounds {
        for path in [&buckets, &copy] {
            if path.exists() {
                fs::remove_dir_all(path)?;
            }
        }
        let simulator = Simulator::start(
            bench,
            pcaps,
            curl,
            &[
                "--traffic".as_ref(),
                recording.as_os_str(),
                "--buckets".as_ref(),
                buckets.as_os_str(),
            ],
        )?;
        simulator.prove(&folder)?;
        simulator.start_capture(&json!({
            "type": "full",
            "system": "magic-transit",
            "time_limit": 86_400,
            "byte_limit": bytes,
            "colo_name": "ord02",
            "destination_conf": DESTINATION,
        }))?;
        let start = Instant::now();
        simulator.advance(90_000)?;
        let took = start.elapsed();
        let newest = &simulator.get(&simulator.url(""))?["result"][0];
        if newest["status"] != "success" {
            bail!("the full capture is not a success: {newest}");
        }
        drop(simulator);
        let start = Instant::now();
        let copied = Command::new(&cp).arg("-r").arg(&folder).arg(&copy).status();
        if !copied.context("cannot run cp")?.success() {
            bail!("cp failed");
        }
        let beside = start.elapsed();
        let written = size_of(&copy)?;
        if written < bytes {
            bail!("the full capture has {written} bytes only");
        }
        if round > 0 {
            ours.push(took);
            others.push(beside);
        }
    }
    let (time, other) = (median_duration(ours), median_duration(others));
    writeln!(
        bench.report,
        "\na full capture of {bytes} bytes of packets into a folder (medians of {})\n  {:<28} {:>9.3} s\n  {:<28} \
         {:>9.3} s",
        bench.rounds,
        "pcaps sim",
        time.as_secs_f64(),
        "cp of its files",
        other.as_secs_f64()
    )?;
    bench.goal("speed to cp's", ratio(other, time), Goal::AtLeast(0.5))
}

const DESTINATION: &str = "s3://captures/edge?region=eu-west-2";

fn sample(packets: u32) -> Value {
    json!({ "type": "simple", "system": "magic-transit", "time_limit": 300, "packet_limit": packets })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn median_duration(mut values: Vec<Duration>) -> Duration {
    values.sort();
    values[values.len() / 2]
}

/// The bytes of all files below a folder.
fn size_of(folder: &Path) -> Result<u64> {
    let mut size = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        size += if entry.file_type()?.is_dir() {
            size_of(&entry.path())?
        } else {
            entry.metadata()?.len()
        };
    }
    Ok(size)
}

/// A `pcaps sim` of our own, ended when dropped, and curl to ask it.
struct Simulator {
    running: process::Simulator,
    curl: PathBuf,
}

impl Simulator {
    fn start(bench: &Bench, pcaps: &Path, curl: &Path, arguments: &[&OsStr]) -> Result<Self> {
        let mut command = Command::new(pcaps);
        command.args(["sim", "--json", "--quiet", "--unlimited"]);
        command.args(["--control", "127.0.0.1:0"]).args(arguments);
        Ok(Self {
            running: process::Simulator::start(&mut command, &bench.work().join("sim.log"))?,
            curl: curl.to_owned(),
        })
    }

    fn url(&self, path: &str) -> String {
        let said = &self.running.said;
        format!("{}/accounts/{}/pcaps{path}", said.base_url, said.account_id)
    }

    /// What curl prints.
    fn curl(&self, arguments: &[&str]) -> Result<Vec<u8>> {
        let output = Command::new(&self.curl)
            .args(["--silent", "--show-error", "--fail-with-body", "--header"])
            .arg(format!(
                "Authorization: Bearer {}",
                self.running.said.api_token
            ))
            .args(arguments)
            .output()
            .context("cannot run curl")?;
        if !output.status.success() {
            bail!("curl failed: {}", String::from_utf8_lossy(&output.stdout));
        }
        Ok(output.stdout)
    }

    fn get(&self, url: &str) -> Result<Value> {
        serde_json::from_slice(&self.curl(&[url])?).context("an answer is not JSON")
    }

    fn post(&self, url: &str, body: &Value) -> Result<Value> {
        let answer = self.curl(&["--data", &body.to_string(), url])?;
        serde_json::from_slice(&answer).context("an answer is not JSON")
    }

    /// How long curl takes for a request, in seconds.
    fn timed(&self, arguments: &[&str]) -> Result<f64> {
        let written = ["--output", "/dev/null", "--write-out", "%{time_total}"];
        let text = self.curl(&[&written, arguments].concat())?;
        let text = String::from_utf8(text)?;
        text.parse()
            .with_context(|| format!("cannot read a time from {text:?}"))
    }

    /// How many bytes curl gets.
    fn size(&self, url: &str) -> Result<u64> {
        let written = [
            "--output",
            "/dev/null",
            "--write-out",
            "%{size_download}",
            url,
        ];
        let text = String::from_utf8(self.curl(&written)?)?;
        text.parse()
            .with_context(|| format!("cannot read a size from {text:?}"))
    }

    fn start_capture(&self, body: &Value) -> Result<String> {
        let answer = self.post(&self.url(""), body)?;
        let id = answer["result"]["id"].as_str().context("no id")?;
        Ok(id.to_owned())
    }

    /// Registers and validates the bucket that is this folder.
    fn prove(&self, folder: &Path) -> Result<()> {
        let bucket = json!({ "destination_conf": DESTINATION });
        let answer = self.post(&self.url("/ownership"), &bucket)?;
        let name = answer["result"]["filename"].as_str().context("no file")?;
        let challenge = fs::read_to_string(folder.join(name))?;
        let proof = json!({ "destination_conf": DESTINATION, "ownership_challenge": challenge });
        self.post(&self.url("/ownership/validate"), &proof)?;
        Ok(())
    }

    fn advance(&self, seconds: u64) -> Result<()> {
        let url = format!("{}/clock", self.running.said.control_url);
        self.post(&url, &json!({ "advance": seconds }))?;
        Ok(())
    }
}
