//! Whom a command asks.

use pcaps::{Account, Client, RetryPolicy};
use pcaps_sim::Simulator;

use crate::{args::Global, failure::Failure};

/// The account that a command works on.
pub(crate) struct Session {
    pub(crate) account: Account,
    /// Serves the account until the session ends.
    _simulator: Option<Simulator>,
}

impl Session {
    /// Nothing is sent yet.
    pub(crate) async fn open(global: &Global) -> Result<Self, Failure> {
        if global.simulate {
            return Self::simulated().await;
        }
        let retry = RetryPolicy::default().attempts(global.retries.saturating_add(1));
        let mut client = Client::builder().or_env().retry(retry);
        if let Some(url) = given(global.base_url.as_ref()) {
            client = client.base_url(url);
        }
        let client = client.build()?;
        let variable = std::env::var("CLOUDFLARE_ACCOUNT_ID").ok();
        let Some(account) = given(global.account.as_ref()).or(given(variable.as_ref())) else {
            return Err(Failure::usage(
                "there is no account id: give --account ID, or set CLOUDFLARE_ACCOUNT_ID",
            ));
        };
        Ok(Self {
            account: client.account(account.parse()?),
            _simulator: None,
        })
    }

    async fn simulated() -> Result<Self, Failure> {
        let simulator = Simulator::builder().start().await?;
        let client = Client::builder()
            .token(simulator.token().expose())
            .base_url(simulator.base_url())
            .build()?;
        Ok(Self {
            account: client.account(simulator.account_id().parse()?),
            _simulator: Some(simulator),
        })
    }
}

/// An empty variable counts as not set.
fn given(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|it| !it.is_empty())
}
