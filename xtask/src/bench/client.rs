//! `cargo xtask bench client`: the client beside `curl` and `wrk`, all against one nginx that serves files and fixed
//! answers.

use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

use super::{Bench, Contestant, Goal, mebibytes, programs, ratio};

const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";
pub(super) const CAPTURE: &str = "66802ca5668e47a2b82c2e6746e45037";
pub(super) const TOKEN: &str = "benchmark-token";

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    let curl = programs::installed("curl", "curl")?;
    let wrk = programs::installed("wrk", "wrk")?;
    let example = ["--package", "pcaps", "--example", "download"];
    let ours = Ours {
        library: programs::build(&example, "download")?,
        program: programs::build(&["--package", "pcaps-cli"], "pcaps")?,
    };
    let load = programs::build(&["--package", "pcaps", "--example", "load"], "load")?;

    let size = if bench.quick { 16 << 20 } else { 1 << 30 };
    // Samples are made of packets of 160 bytes.
    write_capture(&bench.work().join("big.pcap"), size, 160)?;
    let server = Server::start(bench.work())?;

    download(bench, &server, size, &curl, &ours)?;
    requests(bench, &server, &curl, &wrk, &load)
}

/// The two that are measured.
struct Ours {
    library: PathBuf,
    program: PathBuf,
}

fn download(bench: &mut Bench, server: &Server, size: u64, curl: &Path, ours: &Ours) -> Result<()> {
    let curl = curl.to_owned();
    let url = format!("{}/download", server.capture_url());
    let environment = server.environment();
    let to = bench.work().join("curl.pcap");
    let run = |program: &Path, before: &'static [&'static str]| {
        let (program, environment) = (program.to_owned(), environment.clone());
        let to = bench.work().join("pcaps.pcap");
        move || {
            let mut command = Command::new(&program);
            command.args(before).arg(&to).envs(environment.clone());
            command
        }
    };
    // The disk has nothing to do when a run begins: neither to take files away nor to write what another one left.
    let clean = || {
        let work = bench.work().to_owned();
        move || {
            for name in ["curl.pcap", "pcaps.pcap"] {
                let path = work.join(name);
                if path.exists() {
                    fs::remove_file(path)?;
                }
            }
            if !Command::new("sync")
                .status()
                .context("cannot run sync")?
                .success()
            {
                bail!("sync failed");
            }
            Ok(())
        }
    };
    let (library, program) = (
        run(&ours.library, &[CAPTURE]),
        run(&ours.program, &["download", CAPTURE, "-o"]),
    );
    let figures = bench.contest(
        &format!(
            "download of a capture of {:.0} MiB to a file",
            mebibytes(size)
        ),
        &[
            Contestant::new("curl", move || {
                let mut command = Command::new(&curl);
                command.args(["--silent", "--fail", "--output"]);
                command.arg(&to).arg(&url);
                command
            })
            .before(clean()),
            Contestant::new("pcaps, checked and synced", library).before(clean()),
            Contestant::new("pcaps download, summed up", program).before(clean()),
        ],
    )?;
    let (curl, ours) = (figures[0], figures[1]);
    bench.goal(
        "wall time to curl's",
        ratio(ours.wall, curl.wall),
        Goal::AtMost(1.15),
    )?;
    bench.goal(
        "processor time to curl's",
        ratio(ours.cpu, curl.cpu),
        Goal::AtMost(1.15),
    )?;
    bench.goal("memory, MiB", mebibytes(ours.peak), Goal::AtMost(32.0))
}

fn requests(
    bench: &mut Bench,
    server: &Server,
    curl: &Path,
    wrk: &Path,
    load: &Path,
) -> Result<()> {
    let many = if bench.quick { 2_000 } else { 50_000 };
    let url = server.capture_url();

    // The query makes curl ask so many times, over one connection; nginx does not look at it.
    let mut one = Command::new(curl);
    one.args(["--silent", "--fail", "--output", "/dev/null"])
        .arg(format!("{url}?[1-{many}]"));
    let ours = |at_once: &str| {
        let mut command = Command::new(load);
        command.args([CAPTURE, &many.to_string(), at_once]);
        command.envs(server.environment());
        command
    };
    let beside = |connections: &str| {
        let mut command = Command::new(wrk);
        let seconds = if bench.quick { "1s" } else { "4s" };
        command.args(["-t", "1", "-c", connections, "-d", seconds, &url]);
        command
    };
    let (mut single_ours, mut many_ours) = (ours("1"), ours("64"));
    let mut many_wrk = beside("64");
    // Rounds in turn; the medians of the rates.
    let mut rates = [const { Vec::new() }; 4];
    for _ in 0..bench.rounds {
        let start = std::time::Instant::now();
        if !one.status().context("cannot run curl")?.success() {
            bail!("curl failed");
        }
        rates[0].push(f64::from(many) / start.elapsed().as_secs_f64());
        rates[1].push(rate(&mut single_ours, "requests/s")?);
        rates[2].push(rate(&mut many_wrk, "Requests/sec:")?);
        rates[3].push(rate(&mut many_ours, "requests/s")?);
    }
    let [curl, single, wrk, many] = rates.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    });
    writeln!(
        bench.report,
        "\nrequests a second (medians of {}; the server shares the processors)",
        bench.rounds
    )?;
    for (name, rate) in [
        ("curl, one at a time", curl),
        ("pcaps, one at a time", single),
        ("wrk, 64 at once", wrk),
        ("pcaps, 64 at once", many),
    ] {
        writeln!(bench.report, "  {name:<28} {rate:>9.0}")?;
    }
    for (what, rate, goal, other, least) in [
        ("one at a time", single, 12_000.0, ("curl's", curl), 0.5),
        ("64 at once", many, 25_000.0, ("wrk's", wrk), 0.4),
    ] {
        let title = format!("{what}, requests a second");
        bench.goal(&title, rate, Goal::AtLeast(goal))?;
        // On a machine that is too slow for that, what counts is how it stands beside the other.
        if rate < goal {
            let title = format!("{what}, to {}", other.0);
            bench.goal(&title, rate / other.1, Goal::AtLeast(least))?;
        }
    }
    Ok(())
}

/// The number beside this label in what a command prints.
pub(super) fn rate(command: &mut Command, label: &str) -> Result<f64> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed ({})", output.status);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text
        .lines()
        .find(|line| line.contains(label))
        .with_context(|| format!("{command:?} printed no {label}"))?;
    let number = line.replace(label, "");
    number
        .trim()
        .parse()
        .with_context(|| format!("cannot read a rate from {line:?}"))
}

/// An nginx of our own, ended when dropped.
pub(super) struct Server {
    process: Child,
    port: u16,
}

impl Server {
    pub(super) fn start(work: &Path) -> Result<Self> {
        let nginx = programs::installed("nginx", "nginx-light")?;
        // Free now; nothing else is started in between.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let shown = work.display();
        let capture = serde_json::json!({
            "success": true, "errors": [], "messages": [],
            "result": {
                "id": CAPTURE, "type": "simple", "system": "magic-transit", "status": "success",
                "submitted": "2026-01-02T03:04:05.678901Z", "time_limit": 300, "packet_limit": 10000,
                "filter_v1": {"destination_port": 53, "protocol": 17},
            },
        });
        let at = format!("/client/v4/accounts/{ACCOUNT}/pcaps/{CAPTURE}");
        let configuration = work.join("nginx.conf");
        // One process, as everybody else has, which ends when it is told to.
        fs::write(
            &configuration,
            format!(
                "daemon off; master_process off; pid {shown}/nginx.pid; error_log stderr;\n\
                 events {{ worker_connections 1024; }}\n\
                 http {{\n\
                   access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;\n\
                   client_body_temp_path {shown}/body; proxy_temp_path {shown}/proxy;\n\
                   fastcgi_temp_path {shown}/fastcgi; uwsgi_temp_path {shown}/uwsgi; scgi_temp_path {shown}/scgi;\n\
                   server {{\n\
                     listen 127.0.0.1:{port};\n\
                     location = {at} {{ default_type application/json; return 200 '{capture}'; }}\n\
                     location = /client/v4/accounts/{ACCOUNT}/pcaps {{ default_type application/json; alias {shown}/list.json; }}\n\
                     location = {at}/download {{ default_type application/vnd.tcpdump.pcap; alias {shown}/big.pcap; }}\n\
                   }}\n\
                 }}\n"
            ),
        )?;
        let process = Command::new(nginx)
            .arg("-c")
            .arg(&configuration)
            .arg("-p")
            .arg(work)
            .stdin(Stdio::null())
            .spawn()
            .context("cannot run nginx")?;
        let mut server = Self { process, port };
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(server);
            }
            if let Some(status) = server.process.try_wait()? {
                bail!("nginx ended ({status})");
            }
            thread::sleep(Duration::from_millis(50));
        }
        bail!("nginx does not answer")
    }

    fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/client/v4", self.port)
    }

    pub(super) fn capture_url(&self) -> String {
        format!("{}/accounts/{ACCOUNT}/pcaps/{CAPTURE}", self.base_url())
    }

    pub(super) fn list_url(&self) -> String {
        format!("{}/accounts/{ACCOUNT}/pcaps", self.base_url())
    }

    pub(super) fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("CLOUDFLARE_BASE_URL", self.base_url()),
            ("CLOUDFLARE_ACCOUNT_ID", ACCOUNT.to_owned()),
            ("CLOUDFLARE_API_TOKEN", TOKEN.to_owned()),
        ]
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error here means that it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A classic capture file of about so many bytes: packets of 1,400 bytes, of which so many are in it, a hundred
/// microseconds apart.
pub(super) fn write_capture(path: &Path, size: u64, packet: u32) -> Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let word = |value: u32| value.to_le_bytes();
    let mut header = Vec::new();
    for value in [0xa1b2_c3d4, 0x0004_0002, 0, 0, packet, 101] {
        header.extend(word(value));
    }
    file.write_all(&header)?;
    let (mut written, mut number) = (header.len() as u64, 0_u32);
    while written < size {
        let mut record = Vec::with_capacity(16 + packet as usize);
        for value in [
            1_767_323_045 + number / 10_000,
            number % 10_000 * 100,
            packet,
            1_400,
        ] {
            record.extend(word(value));
        }
        // An IPv4 and a UDP header; nothing looks at the rest.
        record.extend([0x45, 0, 0x05, 0x78, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2]);
        record.push(number.to_le_bytes()[0]);
        record.extend([198, 51, 100, 7, 0x30, 0x39, 0, 53, 0x05, 0x64, 0, 0]);
        record.resize(16 + packet as usize, 0);
        file.write_all(&record)?;
        written += record.len() as u64;
        number += 1;
    }
    file.flush()?;
    Ok(())
}
