//! `cargo xtask bench fetch`: a full capture out of a bucket to one file, beside `rclone copy`, which leaves many.
//!
//! Both fetch from `rclone serve s3`, the fastest S3 server that a package index has, over folders in memory.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use anyhow::{Context as _, Result};
use serde_json::json;

use super::{Bench, Contestant, Goal, client::write_capture, mebibytes, programs, ratio};
use crate::contract::process::{Server, free_port};

const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";
const CAPTURE: &str = "66802ca5668e47a2b82c2e6746e45037";
const KEYS: (&str, &str) = ("benchmark", "benchmark-secret");
/// What packets hold, in bytes: those of full captures are not cut.
const PACKET: u32 = 1_400;
/// What a packet takes in a file, and what a file has before its packets.
const RECORD: u64 = 16 + PACKET as u64;
const HEADER: u64 = 24;
/// The most memory that it may take, in MiB.
const MEMORY: f64 = 64.0;

/// A capture in a bucket.
struct Case {
    bucket: &'static str,
    files: u64,
    size: u64,
    /// How many times as fast as rclone.
    faster: f64,
}

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    let packages = programs::packages("xtask/rclone")?;
    let rclone = packages.program("rclone");
    let pcaps = programs::build(&["--package", "pcaps-cli"], "pcaps")?;
    let (few, many) = if bench.quick { (2, 100) } else { (8, 2_500) };
    let cases = [
        Case {
            bucket: "small",
            files: many,
            size: 20_000,
            faster: 2.0,
        },
        Case {
            bucket: "large",
            files: few,
            size: if bench.quick { 4 << 20 } else { 128 << 20 },
            faster: 1.0,
        },
    ];
    for case in &cases {
        contest(bench, case, &rclone, &pcaps)?;
    }
    Ok(())
}

fn contest(bench: &mut Bench, case: &Case, rclone: &Path, pcaps: &Path) -> Result<()> {
    let work = bench.work().to_owned();
    let served = work.join("served");
    let packets = case.fill(&served.join(case.bucket))?;
    let log = work.join("rclone.log");
    let port = free_port()?;
    let mut serve = rclone_with(rclone);
    serve.args(["serve", "s3", "--addr", &format!("127.0.0.1:{port}")]);
    serve.args(["--auth-key", &format!("{},{}", KEYS.0, KEYS.1)]);
    let store = Server::start(serve.arg(&served), port, &log)?;
    let service = service(case.bucket, packets)?;

    let (copy, apart, file) = ("copy", "apart", "fetched.pcap");
    let clean = || {
        let outputs = [copy, apart, file].map(|it| work.join(it));
        move || remove(&outputs)
    };
    let copy = work.join(copy);
    let copies = |flags: &'static [&'static str]| {
        let (rclone, copy, remote) = (rclone.to_owned(), copy.clone(), remote(&store, case));
        move || {
            let mut command = rclone_with(&rclone);
            command.args(["copy", "--transfers", "16"]).args(flags);
            command.arg(&remote).arg(&copy);
            command
        }
    };
    let fetches = |flag: &'static str, to: &str| {
        let (pcaps, to) = (pcaps.to_owned(), work.join(to));
        let mapping = format!("s3://{0}=s3+{1}/{0}", case.bucket, store.url());
        let service = service.clone();
        move || {
            let mut command = Command::new(&pcaps);
            command.args(["fetch", CAPTURE, flag]).arg(&to);
            command
                .args(["--bucket-map", &mapping])
                .env("CLOUDFLARE_BASE_URL", &service)
                .env("CLOUDFLARE_ACCOUNT_ID", ACCOUNT)
                .env("CLOUDFLARE_API_TOKEN", "benchmark-token")
                .env("AWS_ACCESS_KEY_ID", KEYS.0)
                .env("AWS_SECRET_ACCESS_KEY", KEYS.1);
            command
        }
    };
    let title = format!(
        "a full capture of {} files of {:.2} MiB, out of a bucket",
        case.files,
        mebibytes(case.size)
    );
    let contestants = [
        Contestant::new("rclone copy, files apart", copies(&[])).before(clean()),
        Contestant::new("the same with --fast-list", copies(&["--fast-list"])).before(clean()),
        Contestant::new("pcaps fetch, one file", fetches("-o", file)).before(clean()),
        Contestant::new("pcaps fetch, files apart", fetches("--split", apart)).before(clean()),
    ];
    let figures = bench.contest(&title, &contestants)?;
    let (rclone, ours) = (figures[0], figures[2]);
    bench.goal(
        "speed to rclone copy's",
        ratio(rclone.wall, ours.wall),
        Goal::AtLeast(case.faster),
    )?;
    bench.goal("memory, MiB", mebibytes(ours.peak), Goal::AtMost(MEMORY))?;
    drop(store);
    clean()()?;
    fs::remove_dir_all(&served).with_context(|| format!("cannot remove {}", served.display()))
}

impl Case {
    /// Writes the files, each under the key that a server of its own would give it, and says how many packets are in
    /// them.
    fn fill(&self, bucket: &Path) -> Result<u64> {
        for number in 0..self.files {
            let folder = bucket.join(format!("edge/server-{number:04}"));
            fs::create_dir_all(&folder)?;
            write_capture(
                &folder.join(format!("pcap_{CAPTURE}.pcap")),
                self.size,
                PACKET,
            )?;
        }
        Ok(self.files * (self.size - HEADER).div_ceil(RECORD))
    }
}

/// Without what whoever runs this has configured.
fn rclone_with(rclone: &Path) -> Command {
    let mut command = Command::new(rclone);
    command.args(["--config", "/dev/null"]);
    command
}

/// The bucket, as rclone takes it.
fn remote(store: &Server, case: &Case) -> String {
    format!(
        ":s3,provider=Other,access_key_id={},secret_access_key={},endpoint='{}':{}",
        KEYS.0,
        KEYS.1,
        store.url(),
        case.bucket
    )
}

/// A service that knows one capture, which has gone to this bucket. It ends with this process.
fn service(bucket: &str, packets: u64) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot listen")?;
    let url = format!("http://{}/client/v4", listener.local_addr()?);
    let capture = json!({
        "success": true, "errors": [], "messages": [],
        "result": {
            "id": CAPTURE, "type": "full", "system": "magic-transit", "status": "success",
            "submitted": "2026-01-02T03:04:05.678901Z", "time_limit": 300, "colo_name": "ord02",
            "destination_conf": format!("s3://{bucket}/edge?region=us-east-1"),
            "packets_captured": packets,
        },
    });
    let body = capture.to_string();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Whoever does not get it says so.
            let _ = give(stream, &answer);
        }
    });
    Ok(url)
}

/// Reads a request's head, and gives the answer.
fn give(mut stream: TcpStream, answer: &str) -> Result<()> {
    let head = BufReader::new(stream.try_clone()?);
    for line in head.lines() {
        if line?.is_empty() {
            break;
        }
    }
    stream.write_all(answer.as_bytes())?;
    Ok(())
}

fn remove(outputs: &[PathBuf]) -> Result<()> {
    for path in outputs {
        if path.is_dir() {
            fs::remove_dir_all(path)?;
        } else if path.exists() {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
