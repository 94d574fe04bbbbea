//! What a command is told beside its arguments: the environment, and profiles in a file. An option comes before a
//! variable, a variable before the profile, and the profile before the default (README.md has the table).

mod edit;
mod file;
mod place;

use std::{fmt, path::Path, str::FromStr};

use crate::{args::Global, failure::Failure};

pub(crate) use edit::{remember, replace};
pub(crate) use file::{Config, Key};
pub(crate) use place::{config_path, folder};

/// The profile that is meant where none is named.
pub(crate) const DEFAULT_PROFILE: &str = "default";

/// A value, and who said it.
#[derive(Clone)]
pub(crate) struct Setting {
    pub(crate) value: String,
    pub(crate) origin: Origin,
}

/// Who said a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Option(&'static str),
    Variable(&'static str),
    /// The line of a profile's key.
    Line(String),
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option(it) | Self::Variable(it) => f.write_str(it),
            Self::Line(it) => f.write_str(it),
            Self::Default => f.write_str("default"),
        }
    }
}

impl Setting {
    /// What it stands for. An error says which variable or line is wrong; of an option it is plain.
    pub(crate) fn parse<T: FromStr<Err = pcaps::Error>>(&self) -> Result<T, Failure> {
        let parsed = self.value.parse();
        parsed.map_err(|error: pcaps::Error| self.blame(Failure::from(error)))
    }

    /// A failure that its value has led to.
    pub(crate) fn blame(&self, failure: Failure) -> Failure {
        match &self.origin {
            Origin::Option(_) | Origin::Default => failure,
            origin => failure.at(origin),
        }
    }
}

/// The profile that a command goes by, and all others.
pub(crate) struct Settings {
    pub(crate) config: Option<Config>,
    /// The name of the profile. There need not be one of this name, unless it was asked for.
    pub(crate) profile: Setting,
}

impl Settings {
    /// Reads the file. A profile that was asked for must be in it.
    pub(crate) fn load(global: &Global) -> Result<Self, Failure> {
        let settings = Self::load_any(global)?;
        let is_there = settings
            .config
            .as_ref()
            .is_some_and(|it| it.has(settings.name()));
        if is_there || settings.profile.origin == Origin::Default {
            return Ok(settings);
        }
        Err(settings.profile.blame(settings.missing()))
    }

    /// The same, for who is about to make the profile.
    pub(crate) fn load_any(global: &Global) -> Result<Self, Failure> {
        let config = place::config()?.map(|it| Config::read(&it)).transpose()?;
        let config = config.flatten();
        let named = || config.as_ref().and_then(Config::default_profile);
        let profile = pick(
            given("--profile", global.profile.as_ref()),
            "PCAPS_PROFILE",
            named,
        );
        let profile = profile.unwrap_or_else(|| Setting {
            value: DEFAULT_PROFILE.to_owned(),
            origin: Origin::Default,
        });
        file::check_name(&profile.value).map_err(|it| profile.blame(Failure::usage(it)))?;
        Ok(Self { config, profile })
    }

    fn missing(&self) -> Failure {
        let name = self.name();
        let Some(config) = &self.config else {
            return Failure::usage(format!(
                "there is no profile {name}, and no configuration file: `pcaps auth login --profile {name}` makes both"
            ));
        };
        let names = config.names().collect::<Vec<_>>().join(", ");
        let path = config.path().display();
        Failure::usage(if names.is_empty() {
            format!("there is no profile {name}: there is none in {path}")
        } else {
            format!("there is no profile {name}: those in {path} are {names}")
        })
    }

    /// The name of the profile.
    pub(crate) fn name(&self) -> &str {
        &self.profile.value
    }

    /// The file that was read.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.config.as_ref().map(Config::path)
    }

    pub(crate) fn account(&self, global: &Global) -> Option<Setting> {
        let option = given("--account", global.account.as_ref());
        self.find(option, "CLOUDFLARE_ACCOUNT_ID", Key::Account)
    }

    pub(crate) fn base_url(&self, global: &Global) -> Setting {
        let option = given("--base-url", global.base_url.as_ref());
        let found = self.find(option, "CLOUDFLARE_BASE_URL", Key::BaseUrl);
        found.unwrap_or_else(|| Setting {
            value: pcaps::DEFAULT_BASE_URL.to_owned(),
            origin: Origin::Default,
        })
    }

    /// The data centre of a full capture.
    pub(crate) fn colo(&self, option: Option<&String>) -> Option<Setting> {
        self.find(given("--colo", option), "PCAPS_COLO", Key::Colo)
    }

    /// The bucket of a full capture.
    pub(crate) fn bucket(&self, option: Option<&String>) -> Option<Setting> {
        self.find(given("--bucket", option), "PCAPS_BUCKET", Key::Bucket)
    }

    fn find(&self, option: Option<Setting>, variable: &'static str, key: Key) -> Option<Setting> {
        pick(option, variable, || {
            let config = self.config.as_ref()?;
            config.value(self.name(), key)
        })
    }
}

/// The first that is there.
fn pick(
    option: Option<Setting>,
    variable: &'static str,
    profile: impl FnOnce() -> Option<Setting>,
) -> Option<Setting> {
    option.or_else(|| self::variable(variable)).or_else(profile)
}

/// An option that is empty counts as not given.
fn given(name: &'static str, value: Option<&String>) -> Option<Setting> {
    let value = value.filter(|it| !it.is_empty())?;
    Some(Setting {
        value: value.clone(),
        origin: Origin::Option(name),
    })
}

/// A variable that is empty counts as not set.
fn variable(name: &'static str) -> Option<Setting> {
    let value = std::env::var(name).ok().filter(|it| !it.is_empty())?;
    Some(Setting {
        value,
        origin: Origin::Variable(name),
    })
}
