//! Spark and Sail, by way of a Python program: `remote.py`, which also says what is spoken with it.

use std::{
    fmt,
    io::{self, BufRead as _, BufReader, Read, Write as _},
    path::Path,
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, channel},
    },
    thread,
    time::{Duration, Instant},
};

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Answer, Error, ErrorKind, FLOWS, Query, Stop, answer::Row, place, stop::OnStop};

/// What is run.
const PROGRAM: &str = include_str!("remote.py");

/// No row is longer, in JSON.
const LONGEST: u64 = 16 << 20;

/// So much of what it says on standard error is kept, of its end.
const LAST_WORDS: usize = 4 << 10;

/// How long the program may take to give up the query once nobody waits any more; it takes a second at most.
const GRACE: Duration = Duration::from_secs(3);

/// The schemes that there are.
const SCHEMES: [&str; 2] = ["sc://", "spark://"];

/// A cluster, and the Python that asks it.
#[derive(Clone)]
pub(crate) struct Remote {
    /// Perhaps with a token.
    url: String,
    python: String,
}

impl Remote {
    /// Nothing if it is no URL of a cluster.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let scheme = SCHEMES.iter().find(|it| url.starts_with(**it))?;
        let host = place_of(&url[scheme.len()..]);
        (!host.is_empty() && !host.starts_with(':') && !host.contains('@')).then(|| Self {
            url: url.to_owned(),
            python: "python3".to_owned(),
        })
    }

    pub(crate) fn python(self, python: String) -> Self {
        Self { python, ..self }
    }

    pub(crate) fn ask(&self, query: &Query, stop: &Stop) -> Result<Answer, Error> {
        let (columns, conversation) = self.begin(query, None, stop)?;
        Answer::new(columns, Box::new(conversation))
    }

    pub(crate) fn save(&self, query: &Query, path: &Path, stop: &Stop) -> Result<u64, Error> {
        let path = std::path::absolute(path);
        let path = path.map_err(|error| Error::new(ErrorKind::Io, error.to_string()))?;
        let (columns, mut conversation) = self.begin(query, Some(&path), stop)?;
        // For its check.
        Answer::new(columns, Box::new(std::iter::empty()))?;
        match conversation.next() {
            None => Ok(conversation.rows),
            Some(Err(error)) => Err(error),
            Some(Ok(_)) => Err(self.odd("rows where a file was asked for")),
        }
    }

    /// Starts the program, and hears the names of the columns.
    fn begin(
        &self,
        query: &Query,
        parquet: Option<&Path>,
        stop: &Stop,
    ) -> Result<(Vec<String>, Conversation), Error> {
        let request = Request {
            engine: &self.url,
            from: &place::told(&query.from)?,
            flows: FLOWS,
            sql: &query.sql,
            parquet,
        };
        let request = serde_json::to_string(&request);
        let request =
            request.map_err(|error| Error::new(ErrorKind::InvalidInput, error.to_string()))?;
        let mut child = Command::new(&self.python)
            .args(["-c", PROGRAM])
            // It may name another cluster, and a token that is not meant for this one.
            .env_remove("SPARK_REMOTE")
            // In which Python has the times that it is given.
            .env("TZ", "UTC")
            .env("PYTHONUTF8", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| self.no_python(&error))?;
        let stdin = Arc::new(Mutex::new(child.stdin.take()));
        let hung_up = Arc::clone(&stdin);
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let mut conversation = Conversation {
            remote: self.clone(),
            child,
            stdin,
            lines: stdout.map(BufReader::new),
            last_words: LastWords::listen(stderr),
            stop: stop.clone(),
            _on_stop: stop.on(move || hang_up(&hung_up)),
            is_file: parquet.is_some(),
            rows: 0,
        };
        conversation.tell(&request);
        match conversation.hear()? {
            Said::Columns(columns) => Ok((columns, conversation)),
            _ => Err(self.odd("rows before their columns")),
        }
    }

    fn no_python(&self, error: &io::Error) -> Error {
        let python = &self.python;
        let message = match error.kind() {
            io::ErrorKind::NotFound => format!(
                "there is no {python}, which asks Spark and Sail: install Python 3 and its package pyspark-client, or name another with PYSPARK_PYTHON"
            ),
            _ => format!("{python} cannot be run: {error}"),
        };
        Error::new(ErrorKind::NotInstalled, message)
    }

    fn odd(&self, what: &str) -> Error {
        let message = format!(
            "{} was to ask {self}, and answered with {what}",
            self.python
        );
        Error::new(ErrorKind::Engine, message)
    }

    /// Text from there, on one line, without what is secret in the URL.
    fn clean(&self, text: &str) -> String {
        let mut text = text.replace(&self.url, &self.to_string());
        for parameter in self.url.split(';').skip(1) {
            let value = parameter.split_once('=').map_or(parameter, |it| it.1);
            // Shorter ones are words, such as `true`.
            if value.len() > 5 {
                text = text.replace(value, "REDACTED");
            }
            // As the server knows it.
            let decoded = percent_decode_str(value).decode_utf8_lossy();
            if decoded.len() > 5 {
                text = text.replace(decoded.as_ref(), "REDACTED");
            }
        }
        let on_one_line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        on_one_line.collect()
    }
}

/// Host and port of what comes after a scheme.
fn place_of(rest: &str) -> &str {
    rest.split(['/', ';', '?']).next().unwrap_or_default()
}

/// Where it is, and nothing of what comes behind.
impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.url.split_once("://").unwrap_or_default();
        write!(f, "{scheme}://{}", place_of(rest))
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("url", &self.to_string())
            .field("python", &self.python)
            .finish()
    }
}

/// What the program is asked.
#[derive(Serialize)]
struct Request<'a> {
    engine: &'a str,
    from: &'a str,
    flows: &'a str,
    sql: &'a str,
    parquet: Option<&'a Path>,
}

/// A line of what it says.
enum Said {
    Columns(Vec<String>),
    Row(Row),
    End(u64),
}

/// A line that is no row.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Document {
    Columns(Vec<String>),
    End(u64),
    Error { kind: String, message: String },
}

/// The program at work. Dropped, it gives the query up.
struct Conversation {
    remote: Remote,
    child: Child,
    /// The program works as long as it is open.
    stdin: Arc<Mutex<Option<ChildStdin>>>,
    /// Nothing once all has been heard.
    lines: Option<BufReader<ChildStdout>>,
    last_words: LastWords,
    stop: Stop,
    _on_stop: OnStop,
    /// Whether rows go to a file, and only their number is told.
    is_file: bool,
    /// How many came.
    rows: u64,
}

fn hang_up(stdin: &Mutex<Option<ChildStdin>>) {
    drop(stdin.lock().unwrap_or_else(PoisonError::into_inner).take());
}

impl Conversation {
    fn tell(&self, request: &str) {
        let mut stdin = self.stdin.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stdin) = stdin.as_mut() {
            // Why it does not listen is heard from it.
            let _ = writeln!(stdin, "{request}").and_then(|()| stdin.flush());
        }
    }

    /// The next line.
    fn hear(&mut self) -> Result<Said, Error> {
        let mut line = Vec::new();
        if let Some(lines) = &mut self.lines {
            let read = lines.take(LONGEST + 1).read_until(b'\n', &mut line);
            read.map_err(|error| self.remote.odd(&error.to_string()))?;
        }
        if line.last() != Some(&b'\n') {
            return Err(self.broken(line.len() as u64 > LONGEST));
        }
        if line.first() == Some(&b'[') {
            let row = serde_json::from_slice::<Vec<Value>>(&line);
            return row
                .map(Said::Row)
                .map_err(|_| self.remote.odd("a line that is no row"));
        }
        match serde_json::from_slice(&line) {
            Ok(Document::Columns(columns)) => Ok(Said::Columns(columns)),
            Ok(Document::End(rows)) => Ok(Said::End(rows)),
            Ok(Document::Error { .. }) if self.stop.is_stopped() => Err(Error::stopped()),
            Ok(Document::Error { kind, message }) => {
                let kind = match kind.as_str() {
                    "sql" => ErrorKind::InvalidInput,
                    "data" => ErrorKind::NoData,
                    "missing" => ErrorKind::NotInstalled,
                    _ => ErrorKind::Engine,
                };
                let message = format!("{}: {}", self.remote, self.remote.clean(&message));
                Err(Error::new(kind, message))
            }
            Err(_) => Err(self.remote.odd("a line that is no document")),
        }
    }

    /// Why there is no more, before the end.
    fn broken(&mut self, is_too_long: bool) -> Error {
        if self.stop.is_stopped() {
            return Error::stopped();
        }
        if is_too_long {
            return self.remote.odd("a row of more than 16 MiB");
        }
        // It has ended, or is no such program.
        self.end();
        let words = self.last_words.take();
        let last = words.lines().map(str::trim).rfind(|it| !it.is_empty());
        let (python, last) = (&self.remote.python, last.unwrap_or("it said nothing"));
        let message = format!(
            "{python} was to ask {}, and ended before it had the answer: {}",
            self.remote,
            self.remote.clean(last)
        );
        Error::new(ErrorKind::Engine, message)
    }

    /// Sees to it that the program ends.
    fn end(&mut self) {
        hang_up(&self.stdin);
        // What it still writes goes nowhere.
        self.lines = None;
        let begin = Instant::now();
        while begin.elapsed() < GRACE {
            match self.child.try_wait() {
                Ok(None) => thread::sleep(Duration::from_millis(10)),
                // It has ended, or cannot be looked after.
                _ => return,
            }
        }
        // It may have ended just now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Iterator for Conversation {
    type Item = Result<Row, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.lines.as_ref()?;
        let item = match self.hear() {
            Ok(Said::Row(row)) => {
                self.rows += 1;
                return Some(Ok(row));
            }
            Ok(Said::End(rows)) if rows == self.rows || self.is_file => {
                self.rows = rows;
                None
            }
            Ok(Said::End(_)) => Some(Err(self
                .remote
                .odd("another number of rows than it counted"))),
            Ok(Said::Columns(_)) => Some(Err(self.remote.odd("columns twice"))),
            Err(error) => Some(Err(error)),
        };
        self.lines = None;
        item
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.end();
    }
}

/// The end of what it says on standard error.
struct LastWords {
    kept: Arc<Mutex<Vec<u8>>>,
    /// Ends with what is heard.
    ended: Receiver<()>,
}

impl LastWords {
    fn listen(from: Option<ChildStderr>) -> Self {
        let kept = Arc::default();
        let (sender, ended) = channel();
        if let Some(from) = from {
            let kept = Arc::clone(&kept);
            thread::spawn(move || {
                keep_end(from, &kept);
                drop(sender);
            });
        }
        Self { kept, ended }
    }

    /// What there is. Programs that it has started may live longer, and are not waited for.
    fn take(&self) -> String {
        let _ = self.ended.recv_timeout(Duration::from_secs(1));
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept).into_owned()
    }
}

/// Reads to the end, and keeps what was last.
fn keep_end(mut from: impl Read, kept: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&buffer[..read]);
        let surplus = kept.len().saturating_sub(LAST_WORDS);
        kept.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_shown() {
        let url = "sc://h:443/;use_ssl=true;token=abcdefgh;x-key=ij%2Flmnop";
        let remote = Remote::parse(url).unwrap();
        assert!(!format!("{remote:?} {remote}").contains("abcdefgh"));
        let said = format!("cannot reach {url}\n: abcdefgh, ij%2Flmnop, ij/lmnop, true");
        assert_eq!(
            remote.clean(&said),
            "cannot reach sc://h:443 : REDACTED, REDACTED, REDACTED, true"
        );
    }

    #[test]
    fn numbers_are_as_they_were_sent() {
        // Its last digit is another one with serde_json's default features.
        let row: Row = serde_json::from_str("[30.215623198895546]").unwrap();
        assert_eq!(row[0].as_f64(), Some(30.215_623_198_895_546));
    }

    #[test]
    fn a_cluster_has_a_host() {
        for url in ["sc://h", "sc://h:15002/;user_id=me", "spark://h:7077"] {
            assert!(Remote::parse(url).is_some(), "{url}");
        }
        for url in [
            "sc://",
            "sc://:15002",
            "sc:///;token=t",
            "sc://me:key@h",
            "h:15002",
            "http://h",
        ] {
            assert!(Remote::parse(url).is_none(), "{url}");
        }
    }
}
