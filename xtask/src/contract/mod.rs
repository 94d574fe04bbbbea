//! `cargo xtask contract`: other people's clients against the running simulator, to see that they cannot tell it from the
//! service.
//!
//! The programs are Python's, in `tests/contract/`, each with a simulator of its own. Whatever was started has ended when
//! this returns, also after a failure.

pub(crate) mod environment;
pub(crate) mod process;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;

use crate::bench::programs;
use environment::Environment;
use process::{Server, Simulator};

/// A client, or several of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Program {
    /// The vendor's Python SDK: every operation, every field.
    Sdk,
    /// Schemathesis: requests made up from the description.
    Conformance,
    /// Full captures into an S3 and a GCS server.
    Stores,
}

impl Program {
    /// The program's file, and the most that it may take.
    fn file(self) -> (&'static str, Duration) {
        let (file, minutes) = match self {
            Self::Sdk => ("sdk.py", 2),
            Self::Conformance => ("conformance.py", 10),
            Self::Stores => ("stores.py", 2),
        };
        (file, Duration::from_mins(minutes))
    }
}

/// Runs these programs one after the other; `cases` is how many requests schemathesis makes at least.
///
/// # Errors
///
/// When a program cannot be run, fails or takes too long, with what it printed in the report; when something that it
/// needs cannot be installed, built or started.
pub fn run(root: &Path, programs: &[Program], cases: usize, report: &mut dyn Write) -> Result<()> {
    let run = Run::new(root, cases, report)?;
    for program in programs {
        let start = Instant::now();
        writeln!(report, "\n{}", program.file().0)?;
        report.flush()?;
        run.program(*program, report)?;
        writeln!(report, "  took {:.1} s", start.elapsed().as_secs_f64())?;
    }
    Ok(())
}

/// What every program needs.
struct Run {
    root: PathBuf,
    environment: Environment,
    pcaps: PathBuf,
    /// Where logs and buckets go; it begins empty.
    work: PathBuf,
    cases: usize,
}

impl Run {
    fn new(root: &Path, cases: usize, report: &mut dyn Write) -> Result<Self> {
        let root = root
            .canonicalize()
            .with_context(|| format!("cannot find {}", root.display()))?;
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root.join("target"), |folder| root.join(folder));
        let folder = target.join("contract");
        let start = Instant::now();
        let environment = Environment::new(&root.join("tests/contract"), &folder.join("venv"))?;
        let pcaps = programs::build(&["--package", "pcaps-cli"], "pcaps")?;
        writeln!(
            report,
            "Python's packages and pcaps\n  took {:.1} s",
            start.elapsed().as_secs_f64()
        )?;
        let work = folder.join("work");
        if work.exists() {
            fs::remove_dir_all(&work)
                .with_context(|| format!("cannot remove {}", work.display()))?;
        }
        fs::create_dir_all(&work).with_context(|| format!("cannot make {}", work.display()))?;
        Ok(Self {
            root,
            environment,
            pcaps,
            work,
            cases,
        })
    }

    fn program(&self, program: Program, report: &mut dyn Write) -> Result<()> {
        let (file, limit) = program.file();
        let mut command = self.python(&self.root.join("tests/contract").join(file));
        let mut arguments: Vec<String> = vec![];
        // They end when this function does.
        let mut servers = vec![];
        match program {
            Program::Sdk => {}
            Program::Conformance => {
                let description = self.root.join("spec/pcaps.json");
                command.arg("--description").arg(description);
                command.arg("--cases").arg(self.cases.to_string());
                arguments.push("--unlimited".into());
            }
            Program::Stores => {
                let (s3, gcs) = (self.s3()?, self.gcs()?);
                // The program itself listens there: see its beginning.
                let front = process::free_port()?;
                let mut mappings = Vec::new();
                for (uri, store) in [
                    (
                        "s3://captures",
                        format!("s3+http://127.0.0.1:{}/mapped/below", s3.port),
                    ),
                    (
                        "r2://captures",
                        format!("s3+http://127.0.0.1:{}/mapped-r2", s3.port),
                    ),
                    (
                        "gs://captures",
                        format!("gs+http://127.0.0.1:{front}/mapped"),
                    ),
                ] {
                    mappings.push(format!("{uri}={store}"));
                }
                for mapping in &mappings {
                    arguments.extend(["--bucket-map".into(), mapping.clone()]);
                }
                command
                    .env("PCAPS_PROGRAM", &self.pcaps)
                    .env("PCAPS_BUCKET_MAPS", mappings.join("\n"))
                    .env("PCAPS_S3", s3.url())
                    .env("PCAPS_GCS", gcs.url());
                command.env("PCAPS_GCS_FRONT", front.to_string());
                servers.extend([s3, gcs]);
            }
        }
        let buckets = self.work.join(format!("{file}.buckets"));
        let simulator = Simulator::start(
            Command::new(&self.pcaps)
                .args(["sim", "--json", "--control", "127.0.0.1:0", "--buckets"])
                .arg(&buckets)
                .args(arguments)
                .envs(process::AWS),
            &self.work.join(format!("{file}.sim.log")),
        )?;
        command
            .env("CLOUDFLARE_BASE_URL", &simulator.said.base_url)
            .env("CLOUDFLARE_API_TOKEN", &simulator.said.api_token)
            .env("PCAPS_SIM_CONTROL_URL", &simulator.said.control_url)
            .env("PCAPS_BUCKETS", buckets)
            .envs(process::AWS);
        let log = self.work.join(format!("{file}.log"));
        let output = process::run(&mut command, limit, &log)?;
        for line in output.text.lines() {
            writeln!(report, "  {line}")?;
        }
        if let Some(problem) = output.problem {
            report.write_all(&fs::read(&log)?)?;
            bail!(
                "{file} {problem}; what it printed is above, what the simulator printed is in {}",
                self.work.display()
            );
        }
        Ok(())
    }

    /// moto as an S3 server.
    fn s3(&self) -> Result<Server> {
        let port = process::free_port()?;
        let mut command = self.python(Path::new("-m"));
        command.args(["moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
        Server::start(&mut command, port, &self.work.join("moto.log"))
    }

    /// fake-gcs-server.
    fn gcs(&self) -> Result<Server> {
        let port = process::free_port()?;
        let mut command = self.python(&self.root.join("tests/contract/gcs.py"));
        command.arg(port.to_string()).arg(self.work.join("gcs"));
        Server::start(&mut command, port, &self.work.join("gcs.log"))
    }

    /// Python with its packages, in a folder where it may leave things.
    fn python(&self, argument: &Path) -> Command {
        let mut command = Command::new(self.environment.python());
        command
            .arg(argument)
            .current_dir(&self.work)
            // Nothing is written into the source tree.
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONUNBUFFERED", "1");
        command
    }
}
