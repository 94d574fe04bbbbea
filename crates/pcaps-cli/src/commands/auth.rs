//! `pcaps auth`: the token that is kept.

use std::io::{self, IsTerminal as _};

use pcaps::{AccountId, ErrorKind, Secret};

use super::stdin;
use crate::{
    args::{self, Global},
    credentials::{self, Credentials, Place, Store},
    failure::{Exit, Failure},
    output::{self, LoggedIn, LoggedOut, Permissions, Standing},
    prompt,
    resume::Resume,
    runtime,
    session::{self, Session},
    settings::{self, Origin, Setting, Settings},
};

pub(super) fn run(global: &Global, args: &args::Auth) -> Result<(), Failure> {
    if global.simulate && !matches!(args, args::Auth::Status) {
        return Err(Failure::usage(
            "the simulator of --simulate has a token of its own: there is nothing to log in to",
        ));
    }
    match args {
        args::Auth::Login(it) => login(global, it),
        args::Auth::Status => status(global),
        args::Auth::Logout => logout(global),
    }
}

const TOKEN: &str = "the API token";

fn login(global: &Global, args: &args::Login) -> Result<(), Failure> {
    let settings = Settings::load_any(global)?;
    let base_url = settings.base_url(global);
    let account = match settings.account(global) {
        Some(it) => it,
        None if prompt::is_possible() => Setting {
            value: prompt::line("account id: ")?,
            origin: Origin::Option("--account"),
        },
        None => return Err(session::no_account()),
    };
    let id: AccountId = account.parse()?;
    let token = if prompt::is_possible() {
        prompt::secret("API token (it does not show): ")?
    } else if io::stdin().is_terminal() {
        // What is typed would show, and nobody would be asked.
        return Err(Failure::usage(
            "standard error is no terminal to ask on: leave it where it is, or give the token on standard input",
        ));
    } else {
        stdin::or("-".to_owned(), TOKEN)?
    };
    if token.expose().contains(char::is_whitespace) {
        return Err(Failure::usage(
            "there is a space or a line break within the API token: give the token alone",
        ));
    }
    let permissions = verify(global, args, &base_url, id, &token)?;

    let mut store = Store::open()?;
    let (place, refused) = store.keep(
        settings.name(),
        &base_url.value,
        &token,
        !args.insecure_storage,
    )?;
    let mut values = Vec::new();
    for (key, setting) in [("account", &account), ("base_url", &base_url)] {
        if matches!(setting.origin, Origin::Option(_) | Origin::Variable(_)) {
            values.push((key, setting.value.as_str()));
        }
    }
    if !values.is_empty() {
        settings::remember(settings.name(), &values)?;
    }
    if let Some(said) = refused {
        output::hint(
            global,
            &format!(
                "note: no keyring answers ({said}): the token is in {place}, which only you can read"
            ),
        );
    }
    if let Some(variable) = credentials::environment() {
        output::diagnostic(&format!(
            "warning: {variable} is set, and comes before the token that was kept: unset it to use that"
        ));
    }
    if let Some(missing) = permissions
        .map(Permissions::missing)
        .filter(|it| !it.is_empty())
    {
        output::diagnostic(&format!("warning: {}", lacking(&missing)));
    }
    let done = LoggedIn {
        profile: settings.profile.value,
        account: account.value,
        base_url: base_url.value,
        file: match place {
            Place::Keyring => None,
            Place::File(path) => Some(path),
        },
        permissions,
    };
    output::result(global, || &done, || done.text())
}

/// Asks the service about a token that is to be kept. Nothing when it is not to be asked.
fn verify(
    global: &Global,
    args: &args::Login,
    base_url: &Setting,
    id: AccountId,
    token: &Secret,
) -> Result<Option<Permissions>, Failure> {
    let client = session::client(global, base_url, |it| it.token(token.clone()))?;
    if args.offline {
        return Ok(None);
    }
    let account = client.account(id);
    let permissions: Permissions = runtime::interruptible(&Resume::default(), async {
        let probe = account.probe().await;
        probe.map(Permissions::from).map_err(|error| {
            let note = match error.kind() {
                ErrorKind::Connection | ErrorKind::Timeout | ErrorKind::Service => {
                    "nothing was kept; with --offline the token is kept without asking"
                }
                _ => "nothing was kept",
            };
            Failure::from(error).noting(Some(note.to_owned()))
        })
    })?;
    if permissions.is_none() {
        return Err(good_for_nothing(account.id()).noting(Some("nothing was kept".to_owned())));
    }
    Ok(Some(permissions))
}

fn status(global: &Global) -> Result<(), Failure> {
    let (standing, failure) = runtime::interruptible(&Resume::default(), async {
        let (session, mut standing) = if global.simulate {
            let session = Session::open(global).await?;
            let standing = Standing {
                profile: settings::DEFAULT_PROFILE.to_owned(),
                configuration: None,
                base_url: "a simulator inside this process".to_owned(),
                account: session.account.id().to_string(),
                credentials: "the simulator's own".to_owned(),
                instead_of: None,
                permissions: None,
                missing: Vec::new(),
            };
            (session, standing)
        } else {
            let settings = Settings::load(global)?;
            let found = session::credentials(global, &settings).await?;
            let session = Session::of(global, &settings, &found)?;
            let standing = standing(global, &settings, &found, &session);
            (session, standing)
        };
        let failure = match session.account.probe().await {
            Ok(probe) => {
                let permissions = Permissions::from(probe);
                standing.permissions = Some(permissions);
                standing.missing = permissions.missing();
                permissions
                    .is_none()
                    .then(|| good_for_nothing(session.account.id()))
            }
            Err(error) => Some(error.into()),
        };
        Ok((standing, failure))
    })?;
    output::result(global, || &standing, || standing.text())?;
    failure.map_or(Ok(()), Err)
}

fn standing(
    global: &Global,
    settings: &Settings,
    found: &Credentials,
    session: &Session,
) -> Standing {
    let base_url = settings.base_url(global);
    let instead_of = match found {
        Credentials::Kept(..) => None,
        // A file that cannot be read matters to who uses what is in it.
        Credentials::Environment(_) => Store::open().ok().and_then(|store| {
            let kept = store.find(settings.name(), &base_url.value)?;
            Some(format!("the API token in {}", kept.place(&store)))
        }),
    };
    Standing {
        profile: settings.name().to_owned(),
        configuration: settings.path().map(Into::into),
        base_url: base_url.value,
        account: session.account.id().to_string(),
        credentials: found.to_string(),
        instead_of,
        permissions: None,
        missing: Vec::new(),
    }
}

fn logout(global: &Global) -> Result<(), Failure> {
    let settings = Settings::load_any(global)?;
    let places = Store::open()?.forget(settings.name())?;
    if places.is_empty() {
        return Err(Failure::new(
            Exit::NotFound,
            format!(
                "there is no token that was kept for the profile {}",
                settings.name()
            ),
        ));
    }
    if let Some(variable) = credentials::environment() {
        output::diagnostic(&format!("note: {variable} is set, and is used as before"));
    }
    let done = LoggedOut {
        profile: settings.profile.value,
        logged_out: true,
    };
    let text = || format!("logged out of the profile {}\n", done.profile);
    output::result(global, || &done, text)
}

fn good_for_nothing(account: &AccountId) -> Failure {
    Failure::new(
        Exit::Denied,
        format!(
            "the service knows the credentials, and they are good for nothing on the account {account}: check its id, and give the token one of the permissions {}",
            named(
                &Permissions {
                    read: false,
                    write: false
                }
                .missing()
            )
        ),
    )
}

fn lacking(missing: &[&str]) -> String {
    format!(
        "the token has not the permission {} on this account",
        named(missing)
    )
}

fn named(permissions: &[&str]) -> String {
    permissions
        .iter()
        .map(|it| format!("\"{it}\""))
        .collect::<Vec<_>>()
        .join(" and ")
}
