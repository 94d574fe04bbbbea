//! Logging in: where the token goes, and where it does not.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use pcaps_sim::Simulator;

use crate::support::{ACCOUNT, Canned, ID, Run, TOKEN, filtered, nobody, pcaps, run};

/// A person's folders, in which nothing has been set up.
pub(crate) struct Home(tempfile::TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = pcaps();
        command
            .env("HOME", self.0.path())
            .env("XDG_CONFIG_HOME", self.0.path())
            .args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        run(&mut self.command(arguments))
    }

    pub(crate) fn login(&self, token: &str, arguments: &[&str]) -> Run {
        let mut command = self.command(&["auth", "login", "--insecure-storage"]);
        given(command.args(arguments), token)
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join("pcaps").join(name)
    }

    fn kept(&self) -> String {
        fs::read_to_string(self.file("credentials.json")).unwrap_or_default()
    }
}

/// A run with this on standard input.
fn given(command: &mut Command, input: &str) -> Run {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    child.wait_with_output().unwrap().into()
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

pub(crate) async fn simulator() -> Simulator {
    let simulator = Simulator::builder().token(TOKEN).account_id(ACCOUNT);
    simulator.unlimited(true).start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn from_login_to_logout() {
    let (simulator, home) = (simulator().await, Home::new());
    let url = simulator.base_url().to_owned();
    let at = ["--account", ACCOUNT, "--base-url", &url];

    let login = home.login(&format!("{TOKEN}\n"), &at).ok();
    filtered(|| insta::assert_snapshot!("login", hidden(&home, &login.text())));
    assert!(home.kept().contains(TOKEN));
    #[cfg(unix)]
    assert_eq!(mode(&home.file("credentials.json")), 0o600);
    let config = fs::read_to_string(home.file("config.toml")).unwrap();
    assert_eq!(
        config,
        format!("[profile.default]\naccount = \"{ACCOUNT}\"\nbase_url = \"{url}\"\n")
    );

    // Nothing has to be given any more.
    home.run(&["start", "sample", "--packets", "1"]).ok();
    assert_eq!(
        home.run(&["list", "--json"])
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let status = home.run(&["auth", "status"]).ok();
    filtered(|| insta::assert_snapshot!("status", hidden(&home, &status.text())));
    let json = home.run(&["auth", "status", "--json"]).json();
    assert_eq!(
        json["permissions"],
        serde_json::json!({"read": true, "write": true})
    );
    assert!(!json.to_string().contains(TOKEN));

    // A variable comes before it.
    let mut command = home.command(&["auth", "status"]);
    let other = run(command.env("CLOUDFLARE_API_TOKEN", "another"));
    assert_eq!(other.code, Some(3), "{}", other.text());
    filtered(|| insta::assert_snapshot!("status_of_a_variable", hidden(&home, &other.text())));

    // Again, to another account's profile; what is there stays.
    let second = simulator.add_account().unwrap();
    let arguments = [
        "--account",
        &second.id,
        "--base-url",
        &url,
        "--profile",
        "two",
        "--json",
    ];
    let again = home.login(second.token.expose(), &arguments).json();
    assert_eq!(
        (&again["profile"], &again["account"]),
        (&"two".into(), &second.id.clone().into())
    );
    assert!(
        home.run(&["list", "--profile", "two", "--json"])
            .json()
            .as_array()
            .unwrap()
            .is_empty()
    );
    home.run(&["list"]).ok();

    home.run(&["auth", "logout", "--profile", "two"]).ok();
    assert!(!home.kept().contains(second.token.expose()) && home.kept().contains(TOKEN));
    let logout = home.run(&["auth", "logout"]).ok();
    assert_eq!(logout.stdout, "logged out of the profile default\n");
    assert!(!home.kept().contains(TOKEN));
    assert_eq!(home.run(&["list"]).code, Some(3));
    assert_eq!(home.run(&["auth", "logout"]).code, Some(4));
}

/// Without the folder, which is another each time.
fn hidden(home: &Home, text: &str) -> String {
    assert!(!text.contains(TOKEN), "{text}");
    text.replace(home.0.path().to_str().unwrap(), "[HOME]")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_good_for_nothing_is_not_kept() {
    let (simulator, home) = (simulator().await, Home::new());
    let url = simulator.base_url();
    let at = ["--account", ACCOUNT, "--base-url", url];
    let wrong = home.login("wrong", &at);
    assert_eq!(wrong.code, Some(3), "{}", wrong.text());
    // Of somebody else.
    let stranger = simulator.add_account().unwrap();
    let strange = home.login(stranger.token.expose(), &at);
    assert_eq!(strange.code, Some(3), "{}", strange.text());
    let blank = home.login("one two", &at);
    assert_eq!(blank.code, Some(2), "{}", blank.text());
    let nothing = home.login("", &at);
    assert_eq!(nothing.code, Some(2), "{}", nothing.text());
    let nobody = home.login(TOKEN, &["--base-url", url]);
    assert_eq!(nobody.code, Some(2), "{}", nobody.text());
    let simulated = home.login(TOKEN, &["--simulate"]);
    assert_eq!(simulated.code, Some(2), "{}", simulated.text());
    assert_eq!(
        fs::read_dir(home.0.path()).unwrap().count(),
        0,
        "nothing is left"
    );
    filtered(|| {
        let all = [wrong, strange, blank, nothing, nobody]
            .map(|it| it.stderr)
            .concat();
        insta::assert_snapshot!("refused", all);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_read_is_told() {
    let (simulator, home) = (simulator().await, Home::new());
    let read = simulator.accounts()[0].read_token.clone();
    let at = ["--account", ACCOUNT, "--base-url", simulator.base_url()];
    let login = home.login(read.expose(), &at).ok();
    assert!(login.stderr.contains("Write PCAPs API"), "{}", login.text());
    let status = home.run(&["auth", "status"]).ok();
    assert!(
        status
            .stdout
            .contains("missing       Magic Firewall Packet Captures - Write"),
        "{}",
        status.text()
    );
}

#[tokio::test]
async fn without_a_network_only_on_demand() {
    let home = Home::new();
    let (_socket, url) = nobody();
    let at = ["--account", ACCOUNT, "--base-url", &url, "--retries", "0"];
    let login = home.login(TOKEN, &at);
    assert_eq!(login.code, Some(1), "{}", login.text());
    assert!(login.stderr.contains("--offline"), "{}", login.text());
    assert_eq!(home.kept(), "");
    let login = home
        .login(TOKEN, &[&at[..], &["--offline", "--json"]].concat())
        .json();
    assert!(login["permissions"].is_null());
    assert!(home.kept().contains(TOKEN));
    // What is known is told, though nobody answers.
    let status = home.run(&["auth", "status", "--retries", "0"]);
    assert_eq!(status.code, Some(1), "{}", status.text());
    assert!(status.stdout.contains(ACCOUNT) && status.stdout.contains("not known"));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn without_a_keyring_there_is_a_file() {
    let home = Home::new();
    let mut command = home.command(&["auth", "login", "--offline", "--account", ACCOUNT]);
    let login = given(&mut command, TOKEN).ok();
    assert_eq!(login.stderr, "");
    assert!(home.kept().contains(TOKEN) && !login.text().contains(TOKEN));
}

/// It stands where none is expected, and would be in a script's log.
#[test]
fn a_token_among_the_arguments_is_refused_and_not_repeated() {
    let home = Home::new();
    for arguments in [["auth", "login", TOKEN].as_slice(), &["auth", TOKEN]] {
        let run = home.run(arguments);
        assert_eq!(run.code, Some(2), "{}", run.text());
        assert!(!run.text().contains(TOKEN), "{}", run.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_goes_nowhere_but_where_it_was_kept_for() {
    let (canned, home) = (Canned::default(), Home::new());
    let elsewhere = canned.start().await;
    let (_socket, url) = nobody();
    let at = ["--account", ACCOUNT, "--base-url", &url, "--offline"];
    home.login(TOKEN, &at).ok();
    let list = home.run(&["list", "--base-url", &elsewhere]);
    assert_eq!(list.code, Some(3), "{}", list.text());
    assert!(
        list.stderr.contains("is sent nowhere else"),
        "{}",
        list.text()
    );
    assert!(canned.requests().is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn what_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    let (_socket, url) = nobody();
    home.login(
        TOKEN,
        &["--account", ACCOUNT, "--base-url", &url, "--offline"],
    )
    .ok();
    let path = home.file("credentials.json");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    for arguments in [&["list"][..], &["auth", "status"], &["auth", "logout"]] {
        let run = home.run(arguments);
        assert_eq!(run.code, Some(3), "{}", run.text());
        assert!(
            run.stderr.contains("mode 0640") && run.stderr.contains("chmod 600"),
            "{}",
            run.text()
        );
    }
    fs::write(&path, "{").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let broken = home.run(&["list"]);
    assert_eq!(broken.code, Some(1), "{}", broken.text());
    // Who needs no such file is not held up.
    let mut command = home.command(&["show", ID, "--retries", "0"]);
    let show = run(command.env("CLOUDFLARE_API_TOKEN", "t"));
    assert!(show.stderr.contains("connect"), "{}", show.text());
}

/// A terminal of its own, as `script` gives one, and what it shows.
#[cfg(target_os = "linux")]
struct Terminal {
    child: std::process::Child,
    shown: String,
}

#[cfg(target_os = "linux")]
impl Terminal {
    fn run(home: &Home, line: &str) -> Self {
        let program = home.command(&[]);
        let mut script = Command::new("script");
        script
            .env_clear()
            .envs(
                program
                    .get_envs()
                    .filter_map(|(key, value)| Some((key, value?))),
            )
            .env("PROGRAM", program.get_program())
            .env("PATH", "/usr/bin:/bin")
            .args([
                "--quiet",
                "--return",
                "--flush",
                "--command",
                line,
                "/dev/null",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        Self {
            child: script.spawn().unwrap(),
            shown: String::new(),
        }
    }

    /// Reads until this is shown, and types that.
    fn at(&mut self, text: &str, typed: &str) {
        let stdout = self.child.stdout.as_mut().unwrap();
        let mut byte = [0];
        while !self.shown.contains(text) {
            assert_eq!(stdout.read(&mut byte).unwrap(), 1, "{}", self.shown);
            self.shown.push(char::from(byte[0]));
        }
        self.child
            .stdin
            .as_mut()
            .unwrap()
            .write_all(typed.as_bytes())
            .unwrap();
    }

    fn end(mut self) -> (Option<i32>, String) {
        let mut rest = Vec::new();
        self.child
            .stdout
            .take()
            .unwrap()
            .read_to_end(&mut rest)
            .unwrap();
        let code = self.child.wait().unwrap().code();
        (code, self.shown + &String::from_utf8_lossy(&rest))
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_asked_and_nothing_shows() {
    let (simulator, home) = (simulator().await, Home::new());
    let line = format!(
        "\"$PROGRAM\" auth login --base-url {}",
        simulator.base_url()
    );
    let mut terminal = Terminal::run(&home, &line);
    terminal.at("account id: ", &format!("{ACCOUNT}\n"));
    terminal.at("API token (it does not show): ", &format!("{TOKEN}\n"));
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(
        shown.contains("read, write") && !shown.contains(TOKEN),
        "{shown}"
    );
    assert!(home.kept().contains(TOKEN));
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_the_prompt_sees_again_what_is_typed() {
    let home = Home::new();
    let line =
        format!("trap : INT; \"$PROGRAM\" auth login --account {ACCOUNT}; echo code $?; stty -a");
    let mut terminal = Terminal::run(&home, &line);
    terminal.at("API token (it does not show): ", "secr\x03");
    let (_, shown) = terminal.end();
    assert!(
        shown.contains("code 130") && shown.contains(" echo "),
        "{shown}"
    );
    assert!(!shown.contains("secr"), "{shown}");
    assert_eq!(home.kept(), "");
}
