//! What is logged on standard error: with `--verbose` requests and their answers, by `pcaps sim` those that it serves.

use std::fmt::{self, Write as _};

use clap::ValueEnum;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer, layer, writer::BoxMakeWriter},
    layer::SubscriberExt as _,
    registry::{LookupSpan, Registry},
    util::SubscriberInitExt as _,
};

use crate::args::Global;

/// How it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    // A JSON document a line.
    Json,
}

/// From now on requests and answers are shown.
pub(crate) fn requests(global: &Global) {
    let stderr = BoxMakeWriter::new(std::io::stderr);
    let lines = match global.log_format {
        LogFormat::Text => layer().event_format(Exchange).with_writer(stderr).boxed(),
        LogFormat::Json => json(stderr),
    };
    let ours = Targets::new()
        .with_target("pcaps", Level::DEBUG)
        .with_target("pcaps_sim", LevelFilter::OFF);
    start(lines, ours);
}

/// From now on a line is written about each request that the simulator serves, by a thread of its own: where nobody reads
/// them, lines are lost, and requests are answered. What is left is written when what comes back is dropped.
pub(crate) fn served(global: &Global) -> WorkerGuard {
    let (stderr, guard) = tracing_appender::non_blocking(std::io::stderr());
    let stderr = BoxMakeWriter::new(stderr);
    let lines = match global.log_format {
        LogFormat::Text => layer()
            .with_writer(stderr)
            .with_ansi(false)
            .with_level(false)
            .with_target(false)
            .boxed(),
        LogFormat::Json => json(stderr),
    };
    start(lines, Targets::new().with_target("pcaps_sim", Level::INFO));
    guard
}

type Lines = Box<dyn Layer<Registry> + Send + Sync>;

fn json(stderr: BoxMakeWriter) -> Lines {
    layer()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_writer(stderr)
        .boxed()
}

fn start(lines: Lines, ours: Targets) {
    // Nobody else in this process has set one.
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(ours))
        .try_init();
}

/// Writes events as readers of `curl --verbose` know them.
struct Exchange;

impl<S, N> FormatEvent<S, N> for Exchange
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut said = Said::default();
        event.record(&mut said);
        writeln!(writer, "{}", crate::output::one_line(&said.line()))
    }
}

/// The fields of an event.
#[derive(Default)]
struct Said {
    message: String,
    method: String,
    url: String,
    status: String,
    duration: String,
    /// The others, as they are.
    others: String,
}

impl Said {
    fn line(&self) -> String {
        let (status, duration, others) = (&self.status, &self.duration, &self.others);
        if !self.url.is_empty() {
            return format!("> {} {}", self.method, self.url);
        }
        match (status.as_str(), duration.as_str()) {
            ("", "") => format!("* {}{others}", self.message),
            ("", _) => format!("* no answer after {duration} ms{others}"),
            _ => format!("< {status} after {duration} ms{others}"),
        }
    }
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let value = format!("{value:?}");
        match field.name() {
            "message" => self.message = value,
            "http.request.method" => self.method = value,
            "url.full" => self.url = value,
            "http.response.status_code" => self.status = value,
            "duration_ms" => self.duration = value,
            // The first attempt goes without saying.
            "attempt" if value == "1" => {}
            name => {
                // Writing to a string does not fail.
                let _ = write!(self.others, ", {name} {value}");
            }
        }
    }
}
