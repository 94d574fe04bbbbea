//! What the tests share.

use std::{
    collections::VecDeque,
    fmt::{self, Write as _},
    future::IntoFuture,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, Response, Uri},
};

use pcaps_sim::Simulator;

use crate::{secrets, time::Time};

/// Credentials and ids that stand in requests; no output may hold the first.
pub(crate) const TOKEN: &str = "token-that-must-not-be-shown";
pub(crate) const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";

/// The id that a capture has in `spec/examples/`.
pub(crate) const ID: &str = "66802ca5668e47a2b82c2e6746e45037";

/// The account at a service, as the library reaches it.
pub(crate) fn account(base_url: &str) -> pcaps::Account {
    secrets::watch_logs();
    let client = pcaps::Client::builder().token(TOKEN).base_url(base_url);
    client.build().unwrap().account(ACCOUNT.parse().unwrap())
}

/// The same, on a clock that is the test's.
pub(crate) fn account_at(base_url: &str, time: &Time) -> pcaps::Account {
    account_by(base_url, time, pcaps::RetryPolicy::default())
}

/// The same, with a policy.
pub(crate) fn account_by(
    base_url: &str,
    time: &Time,
    policy: pcaps::RetryPolicy,
) -> pcaps::Account {
    secrets::watch_logs();
    let client = pcaps::Client::builder().token(TOKEN).base_url(base_url);
    // The longest pauses that there can be.
    let client = client.clock(time.clone()).random(|| 1.0).retry(policy);
    client.build().unwrap().account(ACCOUNT.parse().unwrap())
}

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap()
}

/// Replaces what differs from run to run, the same everywhere.
pub(crate) fn filtered(test: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(true);
    settings.add_filter(r"127\.0\.0\.1:\d+", "[HOST]");
    settings.add_filter(r"\b[0-9a-f]{16}-SIM\b", "[RAY]");
    settings.add_filter(r"after \d+\.\d s", "after [N] s");
    settings.add_filter(r"after \d+ ms", "after [N] ms");
    settings.add_filter(r"pause_ms \d+", "pause_ms [N]");
    settings.add_filter(r"\(os error \d+\)", "(os error [N])");
    settings.add_filter(r"pcaps/\d+\.\d+\.\d+", "pcaps/[VERSION]");
    settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[TIME]");
    settings.add_filter(r"\d+ years ago", "[N] years ago");
    settings.add_filter(r"/[^\s:]*/\.tmp[^/\s]*", "[FOLDER]");
    settings.bind(test);
}

/// A run of the command line.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// All of it, for a snapshot.
    pub(crate) fn text(&self) -> String {
        let code = self
            .code
            .map_or("signal".to_owned(), |code| code.to_string());
        format!(
            "exit: {code}\n----- stdout -----\n{}----- stderr -----\n{}",
            self.stdout, self.stderr
        )
    }

    /// The one JSON document on stdout.
    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, Some(0), "{}", self.text());
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.text());
        self
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The program, in an environment that has nothing of the machine's.
pub(crate) fn pcaps() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pcaps-under-test"));
    command
        .env_clear()
        .stdin(Stdio::null())
        .env("NO_COLOR", "1")
        .env("HOME", "/nobody")
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nobody/bus")
        .env("TZ", "UTC")
        .env("COLUMNS", "120");
    command
}

/// The program, pointed at a service.
pub(crate) fn pcaps_at(base_url: &str) -> Command {
    pcaps_as(base_url, TOKEN, ACCOUNT)
}

/// The program, pointed at a service, with an account of it.
pub(crate) fn pcaps_as(base_url: &str, token: &str, account: &str) -> Command {
    let mut command = pcaps();
    command
        .env("CLOUDFLARE_BASE_URL", base_url)
        .env("CLOUDFLARE_API_TOKEN", token)
        .env("CLOUDFLARE_ACCOUNT_ID", account);
    command
}

/// The program, pointed at a simulator of this process.
pub(crate) fn pcaps_of(simulator: &Simulator) -> Command {
    let token = simulator.token().expose();
    pcaps_as(simulator.base_url(), token, simulator.account_id())
}

/// Begins work with something that it calls, and drops it as soon as that has returned true.
pub(crate) async fn dropped_when<T, W>(
    mut is_time: impl FnMut(&T) -> bool + Send + 'static,
    begin: impl FnOnce(Box<dyn FnMut(&T) + Send>) -> W,
) where
    W: IntoFuture<Output: fmt::Debug>,
{
    let (tell, told) = tokio::sync::oneshot::channel();
    let mut tell = Some(tell);
    let work = begin(Box::new(move |it| {
        if is_time(it)
            && let Some(tell) = tell.take()
        {
            tell.send(()).unwrap();
        }
    }));
    tokio::select! {
        biased;
        _ = told => {}
        done = work.into_future() => panic!("{done:?}"),
    }
}

pub(crate) fn run(command: &mut Command) -> Run {
    command.output().unwrap().into()
}

/// An address at which nobody answers, for as long as the socket is kept: it is bound and does not listen.
pub(crate) fn nobody() -> (tokio::net::TcpSocket, String) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/client/v4", socket.local_addr().unwrap());
    (socket, url)
}

/// A service that answers what it was told to, in order, and remembers what it was asked.
#[derive(Clone, Default)]
pub(crate) struct Canned(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    answers: VecDeque<(u16, &'static str, Vec<u8>)>,
    requests: Vec<String>,
}

impl Canned {
    pub(crate) async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/client/v4", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    /// Answers one request with a status, a media type and a body.
    pub(crate) fn then(
        &self,
        status: u16,
        media_type: &'static str,
        body: impl Into<Vec<u8>>,
    ) -> &Self {
        self.0
            .lock()
            .unwrap()
            .answers
            .push_back((status, media_type, body.into()));
        self
    }

    /// Answers one request with an example from `spec/examples/`.
    pub(crate) fn then_example(&self, name: &str) -> &Self {
        let path = root().join("spec/examples").join(format!("{name}.json"));
        self.then(200, "application/json", std::fs::read(path).unwrap())
    }

    /// Forgets the answers that have not been given.
    pub(crate) fn forget_answers(&self) {
        self.0.lock().unwrap().answers.clear();
    }

    /// What was asked since the last time.
    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().requests)
    }
}

async fn answer(
    State(canned): State<Canned>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let mut request = format!("{method} {uri}\n");
    let mut lines: Vec<_> = headers
        .iter()
        .map(|(name, value)| {
            let value = value.to_str().unwrap();
            let value = match name.as_str() {
                "authorization" => value.replace(TOKEN, "[TOKEN]"),
                "x-auth-key" => "[KEY]".to_owned(),
                _ => value.to_owned(),
            };
            format!("{name}: {value}\n")
        })
        .collect();
    lines.sort();
    request.extend(lines);
    if !body.is_empty() {
        match serde_json::from_slice::<serde_json::Value>(&body) {
            Ok(json) => write!(request, "\n{json:#}\n").unwrap(),
            Err(_) => write!(request, "\n{body:?}\n").unwrap(),
        }
    }
    let mut script = canned.0.lock().unwrap();
    script.requests.push(request);
    let (status, media_type, body) =
        script
            .answers
            .pop_front()
            .unwrap_or((599, "text/plain", b"the script has ended".to_vec()));
    let response = Response::builder()
        .status(status)
        .header("cf-ray", "8f00ba4dc0ffee00-ORD");
    let response = if media_type.is_empty() {
        response
    } else {
        response.header("content-type", media_type)
    };
    let response = if (300..400).contains(&status) {
        response.header("location", "https://elsewhere.example/")
    } else {
        response
    };
    response.body(Body::from(body)).unwrap()
}
