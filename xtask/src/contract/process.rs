//! Processes that end with whoever started them.

use std::{
    fs::{self, File},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(20);

/// What moto takes for credentials: anything.
pub(super) const AWS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "contract"),
    ("AWS_SECRET_ACCESS_KEY", "contract"),
];

/// A process that is killed when it is dropped.
struct Process(Child);

impl Process {
    fn start(command: &mut Command) -> Result<Self> {
        let child = command.stdin(Stdio::null()).spawn();
        child
            .map(Self)
            .with_context(|| format!("cannot run {}", command.get_program().display()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error here means that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server on a port of this machine.
pub(crate) struct Server {
    pub(super) port: u16,
    _process: Process,
}

impl Server {
    /// Starts it, and waits until it answers.
    pub(crate) fn start(command: &mut Command, port: u16, log: &Path) -> Result<Self> {
        let (out, errors) = both(log)?;
        let mut process = Process::start(command.stdout(out).stderr(errors))?;
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = process.0.try_wait()? {
                bail!("a server ended ({status}): see {}", log.display());
            }
            if Instant::now() > deadline {
                bail!("a server does not answer: see {}", log.display());
            }
            thread::sleep(PAUSE);
        }
        Ok(Self {
            port,
            _process: process,
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// A running `pcaps sim`.
pub(crate) struct Simulator {
    /// What it says of itself.
    pub(crate) said: Said,
    _process: Process,
}

/// What a simulator says of itself.
#[derive(Deserialize)]
pub(crate) struct Said {
    pub(crate) base_url: String,
    pub(crate) api_token: String,
    pub(crate) account_id: String,
    pub(crate) control_url: String,
}

impl Simulator {
    /// Starts it, and waits until it has said where it is.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let errors =
            File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut process = Process::start(command.stdout(Stdio::piped()).stderr(errors))?;
        let stdout = process.0.stdout.take().context("no standard output")?;
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut documents = serde_json::Deserializer::from_reader(stdout).into_iter::<Said>();
            // Nobody listens any more: it took too long.
            let _ = sender.send(documents.next());
        });
        let said = receiver
            .recv_timeout(PATIENCE)
            .ok()
            .flatten()
            .with_context(|| format!("the simulator does not start: see {}", log.display()))?
            .context("cannot read what the simulator says of itself")?;
        Ok(Self {
            said,
            _process: process,
        })
    }
}

/// What a program did.
pub(super) struct Output {
    /// What it printed on standard output.
    pub(super) text: String,
    /// How it failed, if it did.
    pub(super) problem: Option<String>,
}

/// Runs a program to its end, which comes when its time is over at the latest. Its standard error goes to `log`.
pub(super) fn run(command: &mut Command, limit: Duration, log: &Path) -> Result<Output> {
    let printed = log.with_extension("out");
    let out =
        File::create(&printed).with_context(|| format!("cannot write {}", printed.display()))?;
    let errors = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let mut process = Process::start(command.stdout(out).stderr(errors))?;
    let deadline = Instant::now() + limit;
    let problem = loop {
        if let Some(status) = process.0.try_wait()? {
            break (!status.success()).then(|| format!("failed ({status})"));
        }
        if Instant::now() > deadline {
            break Some(format!("took longer than {} s", limit.as_secs()));
        }
        thread::sleep(PAUSE);
    };
    drop(process);
    let text = fs::read_to_string(&printed)
        .with_context(|| format!("cannot read {}", printed.display()))?;
    Ok(Output { text, problem })
}

/// A port that is free now.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
    Ok(listener.local_addr()?.port())
}

/// A log for both outputs.
fn both(log: &Path) -> Result<(File, File)> {
    let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let other = file.try_clone()?;
    Ok((file, other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_program_that_takes_too_long_is_ended() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let log = folder.path().join("log");
        let output = run(&mut sh("exec sleep 1000"), Duration::ZERO, &log)?;
        assert_eq!(output.problem.as_deref(), Some("took longer than 0 s"));
        Ok(())
    }

    #[test]
    fn a_program_that_fails_says_so() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let log = folder.path().join("log");
        let output = run(&mut sh("echo said; echo why >&2; exit 3"), PATIENCE, &log)?;
        assert_eq!(output.text, "said\n");
        assert_eq!(output.problem.as_deref(), Some("failed (exit status: 3)"));
        assert_eq!(fs::read_to_string(log)?, "why\n");
        Ok(())
    }

    #[test]
    fn a_server_that_ends_is_not_waited_for() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let log = folder.path().join("log");
        let error = Server::start(&mut sh("exit 3"), free_port()?, &log).err();
        let error = error.context("it started")?.to_string();
        assert!(error.contains("ended (exit status: 3)"), "{error}");
        Ok(())
    }
}
