//! What a process took: time on the wall, time on the processors, memory.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use wait4::Wait4 as _;

/// What one run of a process took.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// From start to end.
    pub wall: Duration,
    /// On all processors, in the program and in the kernel on its behalf.
    pub cpu: Duration,
    /// The most memory that was resident, in bytes.
    pub peak: u64,
}

/// A command that takes part in a contest.
pub struct Contestant {
    name: String,
    command: Box<dyn Fn() -> Command>,
    before: Box<dyn Fn() -> Result<()>>,
}

impl Contestant {
    /// A command by its name in the table. It is made anew for each round; its output is thrown away unless it is
    /// redirected there. What it leaves behind it must be able to write over.
    pub fn new(name: impl Into<String>, command: impl Fn() -> Command + 'static) -> Self {
        Self {
            name: name.into(),
            command: Box::new(command),
            before: Box::new(|| Ok(())),
        }
    }

    /// What is done before each run, and not measured.
    #[must_use]
    pub fn before(self, before: impl Fn() -> Result<()> + 'static) -> Self {
        Self {
            before: Box::new(before),
            ..self
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn run(&self) -> Result<Figures> {
        (self.before)()?;
        let mut command = (self.command)();
        let shown = format!("{command:?}");
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let start = Instant::now();
        let child = command
            .spawn()
            .with_context(|| format!("cannot run {shown}"))?;
        let used = child.wait4()?;
        let wall = start.elapsed();
        if !used.status.success() {
            bail!("{shown} failed ({})", used.status);
        }
        Ok(Figures {
            wall,
            cpu: used.rusage.utime + used.rusage.stime,
            peak: used.rusage.maxrss,
        })
    }
}

/// The medians, figure by figure, of so many rounds after one that warms up.
pub(super) fn medians(contestants: &[Contestant], rounds: usize) -> Result<Vec<Figures>> {
    let mut all = vec![Vec::new(); contestants.len()];
    for round in 0..=rounds {
        for (contestant, figures) in contestants.iter().zip(&mut all) {
            let run = contestant.run()?;
            if round > 0 {
                figures.push(run);
            }
        }
    }
    Ok(all
        .iter()
        .map(|figures| Figures {
            wall: median(figures.iter().map(|it| it.wall)),
            cpu: median(figures.iter().map(|it| it.cpu)),
            peak: median(figures.iter().map(|it| it.peak)),
        })
        .collect())
}

fn median<T: Ord + Copy>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort();
    values[values.len() / 2]
}
