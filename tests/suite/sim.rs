//! `pcaps sim` as a program of its own.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::support::{pcaps, pcaps_as};

/// A running `pcaps sim`, which ends with this.
pub(crate) struct Sim {
    child: Child,
    /// What it says of itself.
    document: Value,
}

impl Drop for Sim {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Sim {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = pcaps();
        command
            .args(["sim", "--json"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut text = String::new();
        while !text.ends_with('}') {
            text += &lines.next().expect("a whole document").unwrap();
        }
        let document = serde_json::from_str(&text).unwrap();
        Self { child, document }
    }

    /// The program, pointed at it.
    pub(crate) fn pcaps(&self) -> Command {
        let [url, token, account] = ["base_url", "api_token", "account_id"].map(|it| self.text(it));
        pcaps_as(url, token, account)
    }

    pub(crate) fn document(&self) -> &Value {
        &self.document
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.document[name].as_str().unwrap()
    }

    fn url(&self, path: &str) -> String {
        let (base, account) = (self.text("base_url"), self.text("account_id"));
        format!("{base}/accounts/{account}/pcaps{path}")
    }

    /// Ends it as a service manager does, and gives what it wrote.
    fn end(mut self) -> String {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(status.success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        let mut said = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        assert!(!said.contains(self.text("api_token")), "{said}");
        said
    }
}

#[cfg(unix)]
#[tokio::test]
async fn it_can_be_controlled_and_writes_a_line_about_each_request() {
    let sim = Sim::start(&["--unlimited", "--control", "127.0.0.1:0"]);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let (token, control) = (sim.text("api_token"), sim.text("control_url"));
    let before: Value = {
        let request = http.get(format!("{control}/clock")).bearer_auth(token);
        request.send().await.unwrap().json().await.unwrap()
    };
    let fault = json!({
        "operation": "list_captures",
        "fault": { "answer": { "status": 503 } },
    });
    for (path, body) in [
        ("/faults", &fault),
        ("/clock", &json!({ "advance": 86_400 })),
    ] {
        let request = http.post(format!("{control}{path}")).bearer_auth(token);
        let answer = request.json(body).send().await.unwrap();
        assert!(answer.status().is_success());
        if path == "/clock" {
            let now: Value = answer.json().await.unwrap();
            assert!(now["now"].as_str() > before["now"].as_str(), "{now}");
        }
    }
    for status in [503, 200] {
        let request = http.get(sim.url("?secret=here")).bearer_auth(token);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status);
        assert!(!answer.headers().contains_key("ratelimit"));
    }
    let path = format!("/client/v4/accounts/{}/pcaps", sim.text("account_id"));
    let said = sim.end();
    for status in [503, 200] {
        let line = format!(" GET {path} {status} ");
        assert_eq!(said.matches(&line).count(), 1, "{said}");
    }
    assert!(!said.contains("secret=here"), "{said}");
}

#[cfg(unix)]
#[tokio::test]
async fn it_has_limits_and_can_be_quiet() {
    let sim = Sim::start(&["--quiet"]);
    assert_eq!(sim.document.get("control_url"), None);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http.get(sim.url("")).bearer_auth(sim.text("api_token"));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers().contains_key("ratelimit"));
    let page = sim.text("base_url").replace("client/v4", "");
    let answer = http.get(&page).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(
        sim.end(),
        format!("serving at {page}; end it with Ctrl-C\n")
    );
}

#[cfg(unix)]
#[tokio::test]
async fn its_lines_can_be_json() {
    let sim = Sim::start(&["--log-format", "json"]);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http.get(sim.url("")).bearer_auth(sim.text("api_token"));
    assert_eq!(request.send().await.unwrap().status(), 200);
    let said = sim.end();
    let mut lines = said.lines().filter(|line| line.starts_with('{'));
    let line: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    assert!(
        line["message"].as_str().unwrap().starts_with("GET /"),
        "{said}"
    );
    assert!(
        line["timestamp"].is_string() && lines.next().is_none(),
        "{said}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn lines_that_nobody_reads_hold_nothing_up() {
    let sim = Sim::start(&["--unlimited"]);
    let http = reqwest::Client::builder().no_proxy();
    // It is over at once, or never.
    let http = http
        .timeout(std::time::Duration::from_mins(1))
        .build()
        .unwrap();
    // A pipe holds 64 KiB.
    for _ in 0..1_500 {
        let request = http.get(sim.url("")).bearer_auth(sim.text("api_token"));
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
    sim.end();
}
