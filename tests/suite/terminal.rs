//! The command line on a terminal, as a person sees it.

use std::{
    fs,
    io::{Read as _, Write as _},
    process::{Child, Command},
};

use pty_process::{
    Size,
    blocking::{self, Pty},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::oneshot,
};

use crate::{
    collect::programs::Far,
    support::{Canned, ID, pcaps, pcaps_at, root},
};

/// A program on a terminal of its own.
struct Terminal {
    pty: Pty,
    child: Child,
    seen: Vec<u8>,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Terminal {
    /// Starts a program on a terminal of 24 lines of 80 columns.
    fn start(command: &Command) -> Self {
        let (pty, pts) = blocking::open().unwrap();
        pty.resize(Size::new(24, 80)).unwrap();
        let mut on_terminal = blocking::Command::new(command.get_program())
            .args(command.get_args())
            .env_clear()
            .env("TERM", "xterm-256color");
        for (name, value) in command.get_envs() {
            // A terminal tells its width, and has colours.
            if let Some(value) = value.filter(|_| name != "COLUMNS" && name != "NO_COLOR") {
                on_terminal = on_terminal.env(name, value);
            }
        }
        if let Some(folder) = command.get_current_dir() {
            on_terminal = on_terminal.current_dir(folder);
        }
        let child = on_terminal.spawn(pts).unwrap();
        Self {
            pty,
            child,
            seen: Vec::new(),
        }
    }

    /// Reads what there is. False at the end.
    fn read(&mut self) -> bool {
        let mut bytes = [0; 4096];
        // When the program has ended, Linux says that this is an error.
        let read = self.pty.read(&mut bytes).unwrap_or(0);
        self.seen.extend_from_slice(&bytes[..read]);
        read > 0
    }

    fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// Reads until this has been shown, and forgets what came before.
    fn until(&mut self, text: &str) -> String {
        loop {
            let seen = self.seen();
            if let Some(at) = seen.find(text) {
                let end = at + text.len();
                self.seen = seen[end..].into();
                return seen[..end].to_owned();
            }
            assert!(self.read(), "it ended without {text}: {seen}");
        }
    }

    fn write(&mut self, text: &str) {
        self.pty.write_all(text.as_bytes()).unwrap();
    }

    /// What `Ctrl-C` sends.
    fn interrupt(&mut self) {
        self.write("\u{3}");
    }

    /// Reads to the end, and gives the exit code.
    fn end(mut self) -> (Option<i32>, String) {
        while self.read() {}
        let code = self.child.wait().unwrap().code();
        (code, self.seen())
    }
}

/// Text without what steers a terminal.
fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

const FULL: [&str; 10] = [
    "capture",
    "full",
    "--colo",
    "ORD",
    "--bucket",
    "gs://captures/edge",
    "--time-limit",
    "1m",
    "-o",
    "full.pcap",
];

#[test]
fn a_capture_shows_its_progress_and_ends_with_the_first_interruption() {
    let far = Far::start();
    let mut terminal = Terminal::start(&far.command(&FULL));
    terminal.until("started capture");
    // It tells how much is there, and how long it may take.
    let shown = plain(&terminal.until(" left"));
    let (_, status) = shown.rsplit_once("status: ").unwrap();
    assert!(
        status.starts_with("running, ") && !status.contains(" 0 packets"),
        "{status}"
    );
    assert!(status.contains(" packets, at most 5"), "{status}");
    terminal.interrupt();
    terminal.until("stopping the capture");
    terminal.until("fetching");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("full.pcap"), "{shown}");
    assert!(far.path("full.pcap").exists());
}

#[test]
fn the_second_interruption_leaves_at_once() {
    let far = Far::start();
    let mut terminal = Terminal::start(&far.command(&FULL));
    terminal.until("status: running");
    terminal.interrupt();
    terminal.until("stopping the capture");
    terminal.interrupt();
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(130), "{shown}");
    let shown = plain(&shown);
    assert!(
        shown.contains("error: interrupted") && shown.contains("&& pcaps fetch "),
        "{shown}"
    );
    assert!(!far.path("full.pcap").exists());
}

/// A download whose second half comes when the first has been seen.
#[tokio::test(flavor = "multi_thread")]
async fn a_download_shows_its_share_rate_and_time_left() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/client/v4", listener.local_addr().unwrap());
    let whole = fs::read(root().join("crates/pcaps-file/tests/data/dns.pcap")).unwrap();
    let (go_on, seen) = oneshot::channel();
    let service = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        assert!(client.read(&mut request).await.unwrap() > 0);
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.tcpdump.pcap\r\ncontent-length: {}\r\n\r\n",
            whole.len()
        );
        client.write_all(head.as_bytes()).await.unwrap();
        let (first, second) = whole.split_at(whole.len() / 2);
        client.write_all(first).await.unwrap();
        seen.await.unwrap();
        client.write_all(second).await.unwrap();
    });
    let folder = tempfile::tempdir().unwrap();
    let mut download = pcaps_at(&url);
    download.current_dir(folder.path());
    let mut terminal = Terminal::start(download.args(["download", ID, "-o", "a.pcap"]));
    let shown = tokio::task::block_in_place(|| plain(&terminal.until(" left")));
    let line = shown.rsplit('\r').next().unwrap();
    assert!(
        line.contains("downloading") && line.contains("50%, 3.02 kB of 6.05 kB, "),
        "{line}"
    );
    assert!(line.contains("/s, "), "{line}");
    go_on.send(()).unwrap();
    let (code, shown) = tokio::task::block_in_place(|| terminal.end());
    assert_eq!(code, Some(0), "{shown}");
    // Of the bar nothing is left.
    let last = shown.rfind(" left").map_or(0, |at| at + 5);
    assert!(shown[last..].contains("\u{1b}[2K"), "{shown:?}");
    service.await.unwrap();
}

/// A terminal that is made narrower while something is going on.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_fits_a_terminal_of_another_size() {
    let canned = Canned::default();
    let url = canned.start().await;
    // As often as it may look.
    for _ in 0..100 {
        canned.then_example("get_capture.full.response");
    }
    let mut wait = pcaps_at(&url);
    let mut terminal = Terminal::start(wait.args(["wait", ID]));
    terminal.until("status: running");
    terminal.pty.resize(Size::new(24, 20)).unwrap();
    // What had been drawn before may still be on its way.
    terminal.until("\r");
    while line(&terminal.until("\r")).chars().count() > 20 {}
    for _ in 0..3 {
        let line = line(&terminal.until("\r"));
        assert!(line.chars().count() <= 20, "{line:?}");
    }
    terminal.interrupt();
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(130), "{shown}");
}

/// What a frame of a spinner shows.
fn line(frame: &str) -> String {
    plain(frame).trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_removed_only_on_yes() {
    let canned = Canned::default();
    let url = canned.start().await;
    for (answer, code, requests) in [("n\n", 1, 0), ("\n", 1, 0), ("y\n", 0, 1)] {
        canned.then(204, "", "");
        let mut remove = pcaps_at(&url);
        let mut terminal = Terminal::start(remove.args(["bucket", "remove", ID]));
        terminal.until("[y/N] ");
        terminal.write(answer);
        let (ended, shown) = terminal.end();
        assert_eq!(ended, Some(code), "{answer:?}: {shown}");
        assert_eq!(canned.requests().len(), requests, "{answer:?}");
        let said = if code == 0 {
            "removed"
        } else {
            "nothing was removed"
        };
        assert!(plain(&shown).contains(said), "{shown}");
        canned.forget_answers();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_fit_the_terminal_and_have_colours() {
    let canned = Canned::default();
    let url = canned.start().await;
    canned.then_example("list_captures.response");
    let (code, shown) = Terminal::start(pcaps_at(&url).arg("list")).end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("\u{1b}[32msuccess\u{1b}[0m"), "{shown}");
    for line in plain(&shown).lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

/// Part of a pipeline on a terminal: the reader leaves first.
#[test]
fn a_closed_pipe_is_not_seen() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(
        root().join("crates/pcaps-file/tests/data/dns.pcap"),
        folder.path().join("a.pcap"),
    )
    .unwrap();
    let program = pcaps();
    let mut shell = Command::new("sh");
    shell
        .current_dir(folder.path())
        .args([
            "-c",
            "\"$0\" stats a.pcap --json | head -c 1; echo; echo end",
        ])
        .arg(program.get_program());
    let (code, shown) = Terminal::start(&shell).end();
    assert_eq!((code, shown.as_str()), (Some(0), "{\r\nend\r\n"));
}
