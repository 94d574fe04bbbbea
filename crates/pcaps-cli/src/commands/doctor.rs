//! `pcaps doctor`: whether everything is there that the other commands need.

use std::time::Duration;

use jiff::SignedDuration;
use pcaps::{Account, Bucket, Destination, ErrorKind, Probe};

use crate::{
    args::Global,
    credentials::Credentials,
    failure::{Exit, Failure},
    output::{self, Check, Permissions, State},
    programs,
    resume::Resume,
    runtime,
    session::{self, Session},
    settings::{Settings, config_path},
};

/// What a clock may be off before signatures and times of captures go wrong.
const DRIFT: SignedDuration = SignedDuration::from_mins(1);

/// How long to wait for one bucket.
const BUCKET: Duration = Duration::from_secs(10);

/// What reads capture files, and is good to have.
const TOOLS: [&str; 3] = ["wireshark", "tshark", "tcpdump"];

/// What has been found so far.
#[derive(Default)]
struct Findings {
    checks: Vec<Check>,
    exit: Option<Exit>,
}

impl Findings {
    fn ok(&mut self, name: &'static str, message: impl Into<String>) {
        self.add(name, State::Ok, message.into(), None);
    }

    fn warning(&mut self, name: &'static str, message: impl Into<String>, advice: &str) {
        self.add(
            name,
            State::Warning,
            message.into(),
            Some(advice.to_owned()),
        );
    }

    /// The exit code is that of the first failure: the others follow from it, more often than not.
    fn failed(&mut self, name: &'static str, failure: &Failure) {
        self.exit.get_or_insert(failure.exit());
        let message = failure.message().to_owned();
        self.add(name, State::Failed, message, failure.note());
    }

    fn add(&mut self, name: &'static str, state: State, message: String, advice: Option<String>) {
        self.checks.push(Check {
            name,
            state,
            message,
            advice,
        });
    }
}

pub(super) fn run(global: &Global) -> Result<(), Failure> {
    let mut findings = Findings::default();
    runtime::interruptible(&Resume::default(), async {
        if let Some(session) = open(global, &mut findings).await {
            service(&session.account, &mut findings).await;
        }
        Ok(())
    })?;
    tools(&mut findings);
    let checks = &findings.checks;
    output::result(
        global,
        || output::Checks { checks },
        || output::checks(checks),
    )?;
    match findings.exit {
        None => Ok(()),
        Some(exit) => Err(Failure::new(exit, "not all is as it should be")),
    }
}

/// Looks at what is set up here. Nothing when nobody can be asked.
async fn open(global: &Global, findings: &mut Findings) -> Option<Session> {
    if global.simulate {
        let session = Session::open(global).await;
        return session
            .inspect_err(|it| findings.failed("service", it))
            .inspect(|_| findings.ok("service", "a simulator inside this process"))
            .ok();
    }
    let settings = match Settings::load(global) {
        Ok(settings) => settings,
        Err(failure) => {
            findings.failed("configuration", &failure);
            return None;
        }
    };
    let path = config_path().map(|it| it.display().to_string());
    let file = match (settings.path(), path) {
        (Some(path), _) => format!("{}, profile {}", path.display(), settings.name()),
        (None, Some(path)) => format!("there is none at {path}, and there need not be"),
        (None, None) => "there is no place for one, and there need not be".to_owned(),
    };
    findings.ok("configuration", file);
    let account = settings.account(global);
    match account
        .as_ref()
        .map(|it| (it, it.parse::<pcaps::AccountId>()))
    {
        Some((it, Ok(id))) => findings.ok("account", format!("{id} ({})", it.origin)),
        Some((_, Err(failure))) => findings.failed("account", &failure),
        None => findings.failed("account", &session::no_account()),
    }
    let credentials = session::credentials(global, &settings).await;
    let credentials: Option<Credentials> = credentials
        .inspect_err(|it| findings.failed("credentials", it))
        .inspect(|it| findings.ok("credentials", it.to_string()))
        .ok();
    account?;
    let session = Session::of(global, &settings, &credentials?);
    session
        .inspect_err(|it| findings.failed("service", it))
        .inspect(|_| {
            let url = settings.base_url(global);
            findings.ok("service", format!("{} ({})", url.value, url.origin));
        })
        .ok()
}

/// Asks the service.
async fn service(account: &Account, findings: &mut Findings) {
    let probe = match account.probe().await {
        Ok(probe) => probe,
        Err(error) => {
            findings.failed("permissions", &error.into());
            return;
        }
    };
    permissions(probe, account, findings);
    clock(probe, findings);
    if probe.may_read {
        match account.list_buckets().await {
            Ok(buckets) => self::buckets(account, &buckets, findings).await,
            Err(error) => findings.failed("buckets", &error.into()),
        }
    }
}

fn permissions(probe: Probe, account: &Account, findings: &mut Findings) {
    let permissions = Permissions::from(probe);
    let found = permissions.text();
    if permissions.is_none() {
        let message = format!(
            "none on the account {}: check its id and the token's permissions",
            account.id()
        );
        findings.failed("permissions", &Failure::new(Exit::Denied, message));
    } else if let [missing, ..] = permissions.missing()[..] {
        let advice =
            format!("to do more, give the token the permission \"{missing}\" on this account");
        findings.warning("permissions", found, &advice);
    } else {
        findings.ok("permissions", found);
    }
}

fn clock(probe: Probe, findings: &mut Findings) {
    match probe.clock_ahead {
        None => findings.ok("clock", "the service does not say what time it is"),
        Some(ahead) if ahead.abs() <= DRIFT => {
            findings.ok("clock", "as the service's, to a minute");
        }
        Some(ahead) => {
            let way = if ahead.is_positive() {
                "ahead of"
            } else {
                "behind"
            };
            // To a second or two it is not known.
            let minutes = (ahead.abs().as_secs() + 30) / 60;
            let message = format!("about {minutes} min {way} the service's");
            let advice = "set it, by NTP best: buckets refuse requests, and `--at` means another time, when it is wrong";
            findings.warning("clock", message, advice);
        }
    }
}

async fn buckets(account: &Account, buckets: &[Bucket], findings: &mut Findings) {
    if buckets.is_empty() {
        let message = "none is registered; full captures need one: `pcaps bucket prove URI`";
        findings.ok("buckets", message);
    }
    for bucket in buckets {
        let Ok(destination) = bucket.destination().parse::<Destination>() else {
            let message = format!("{}: its URI is of no kind that is known here", bucket.id());
            findings.warning("bucket", message, "update pcaps");
            continue;
        };
        if !bucket.is_validated() {
            let message = format!("{destination}: {}", bucket.status());
            let advice = format!("prove it: `pcaps bucket prove '{destination}'`");
            findings.warning("bucket", message, &advice);
            continue;
        }
        let readable = tokio::time::timeout(BUCKET, account.check_bucket(&destination)).await;
        match readable {
            Ok(Ok(())) => {
                findings.ok(
                    "bucket",
                    format!("{destination}: validated, and readable from here"),
                );
            }
            Ok(Err(error)) => {
                let advice = match error.kind() {
                    ErrorKind::Authentication => {
                        "to fetch from it here, give its cloud's credentials (`pcaps bucket prove --help`)"
                    }
                    _ => "captures go to it all the same; `pcaps fetch` works where it can be read",
                };
                let message = format!(
                    "{destination}: validated, but {}",
                    Failure::from(error).message()
                );
                findings.warning("bucket", message, advice);
            }
            Err(_) => {
                let message = format!(
                    "{destination}: validated, but it has not answered in {} s",
                    BUCKET.as_secs()
                );
                findings.warning(
                    "bucket",
                    message,
                    "see whether its cloud can be reached from here",
                );
            }
        }
    }
}

/// What is installed. Nothing here needs it.
fn tools(findings: &mut Findings) {
    let (there, missing): (Vec<_>, Vec<_>) = TOOLS
        .into_iter()
        .partition(|it| programs::find(it).is_some());
    let mut found = Vec::new();
    if !there.is_empty() {
        found.push(format!("{} found", there.join(", ")));
    }
    if !missing.is_empty() {
        let missing = missing.join(", ");
        found.push(format!("{missing} not found (pcaps needs none)"));
    }
    findings.ok("tools", found.join("; "));
}
