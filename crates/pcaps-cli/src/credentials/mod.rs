//! Who asks: credentials of the environment, or the token that `pcaps auth login` has kept.

mod keyring;
mod store;

use std::fmt;

use pcaps::{ClientBuilder, Secret};

use crate::{
    failure::{Exit, Failure},
    settings::Setting,
};

pub(crate) use store::{Kept, Place, Store};

/// The credentials that a command goes by.
pub(crate) enum Credentials {
    /// What variables say; the library reads them.
    Environment(&'static str),
    /// A token that was kept for the profile.
    Kept(Secret, Place),
}

impl Credentials {
    /// Those of the environment, and otherwise those that were kept for this profile at this address. A token goes nowhere
    /// but where it was kept for.
    pub(crate) fn find(profile: &str, base_url: &Setting) -> Result<Self, Failure> {
        if let Some(variable) = environment() {
            return Ok(Self::Environment(variable));
        }
        let store = Store::open()?;
        match store.find(profile, &base_url.value) {
            Some(kept) => Ok(Self::Kept(kept.token()?, kept.place(&store))),
            None => Err(missing(&store, profile)),
        }
    }

    /// A client with them.
    pub(crate) fn give(&self, client: ClientBuilder) -> ClientBuilder {
        match self {
            Self::Environment(_) => client.or_env(),
            Self::Kept(token, _) => client.token(token.clone()),
        }
    }
}

impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment("CLOUDFLARE_API_TOKEN") => {
                f.write_str("the API token of CLOUDFLARE_API_TOKEN")
            }
            Self::Environment(_) => {
                f.write_str("the global API key of CLOUDFLARE_API_KEY and CLOUDFLARE_EMAIL")
            }
            Self::Kept(_, place) => write!(f, "the API token in {place}"),
        }
    }
}

/// The variable that says who asks, if one does. The order is the library's.
pub(crate) fn environment() -> Option<&'static str> {
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|it| !it.is_empty());
    ["CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_KEY"]
        .into_iter()
        .find(|it| is_set(it))
}

fn missing(store: &Store, profile: &str) -> Failure {
    let what = "there are no credentials: run `pcaps auth login`, or set CLOUDFLARE_API_TOKEN, or CLOUDFLARE_API_KEY and CLOUDFLARE_EMAIL";
    let elsewhere = store.of(profile).map(Kept::base_url).next();
    Failure::new(Exit::Denied, what).noting(elsewhere.map(|it| {
        format!(
            "the token that is kept for the profile {profile} is for {it}, and is sent nowhere else"
        )
    }))
}
