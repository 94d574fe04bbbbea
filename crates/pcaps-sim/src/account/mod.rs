//! Accounts: what each has at the service, and who may do what with it.

mod limits;

use std::sync::{Arc, PoisonError, RwLock};

use pcaps_api::{Secret, types::Identifier};

pub(crate) use limits::{REQUESTS, RequestLimit, SampleLimit, Standing, WINDOW};

use crate::{capture::Captures, error::Repr, ownership::Ownerships, random};

/// How many accounts there may be.
const LIMIT: usize = 100;

/// An account of a simulator, and what lets its users through.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), pcaps_sim::Error> {
/// let simulator = pcaps_sim::Simulator::builder().start().await?;
/// let other = simulator.add_account()?;
/// assert_ne!(other.id, simulator.account_id());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Access {
    /// The account's id.
    pub id: String,
    /// The token that may read and write.
    pub token: Secret,
    /// The token that may only read.
    pub read_token: Secret,
}

/// What a token may be used for. Who may write may read too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permission {
    Read,
    Write,
}

/// An account, and all that is its own.
pub(crate) struct Account {
    pub(crate) access: Access,
    pub(crate) captures: Captures,
    pub(crate) ownerships: Ownerships,
    pub(crate) requests: RequestLimit,
    pub(crate) samples: SampleLimit,
}

impl Account {
    fn new(access: Access) -> Arc<Self> {
        Arc::new(Self {
            access,
            captures: Captures::default(),
            ownerships: Ownerships::default(),
            requests: RequestLimit::default(),
            samples: SampleLimit::default(),
        })
    }

    /// What a token may be used for here.
    fn permission(&self, token: &str) -> Option<Permission> {
        // Both are looked at, so that the time that it takes does not tell.
        let writes = random::same(self.access.token.expose(), token);
        let reads = random::same(self.access.read_token.expose(), token);
        match (writes, reads) {
            (true, _) => Some(Permission::Write),
            (false, true) => Some(Permission::Read),
            (false, false) => None,
        }
    }
}

/// All accounts: the first is there from the beginning, and none goes away.
pub(crate) struct Accounts {
    first: Arc<Account>,
    others: RwLock<Vec<Arc<Account>>>,
}

impl Accounts {
    /// The first account, with the id and the tokens that are given.
    pub(crate) fn new(
        id: Option<String>,
        token: Option<Secret>,
        read_token: Option<Secret>,
    ) -> Result<Self, Repr> {
        let first = access(id, token, read_token)?;
        Ok(Self {
            first: Account::new(first),
            others: RwLock::default(),
        })
    }

    /// One more.
    pub(crate) fn add(&self) -> Result<Access, Repr> {
        let access = access(None, None, None)?;
        let mut others = self.others.write().unwrap_or_else(PoisonError::into_inner);
        if others.len() + 1 >= LIMIT {
            return Err(Repr::TooManyAccounts { limit: LIMIT });
        }
        others.push(Account::new(access.clone()));
        Ok(access)
    }

    pub(crate) fn first(&self) -> &Arc<Account> {
        &self.first
    }

    /// All, in the order in which they were added.
    pub(crate) fn all(&self) -> Vec<Arc<Account>> {
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        [&self.first].into_iter().chain(&*others).cloned().collect()
    }

    /// Whose token this is, and what for.
    pub(crate) fn find(&self, token: &str) -> Option<(Arc<Account>, Permission)> {
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        [&self.first]
            .into_iter()
            .chain(&*others)
            .find_map(|it| Some((Arc::clone(it), it.permission(token)?)))
    }
}

fn access(
    id: Option<String>,
    token: Option<Secret>,
    read_token: Option<Secret>,
) -> Result<Access, Repr> {
    let access = Access {
        id: account_id(id)?,
        token: checked(token)?,
        read_token: checked(read_token)?,
    };
    // The weaker one would never be found.
    if random::same(access.token.expose(), access.read_token.expose()) {
        return Err(Repr::Token);
    }
    Ok(access)
}

fn account_id(given: Option<String>) -> Result<String, Repr> {
    let Some(id) = given else {
        return random::id();
    };
    id.parse::<Identifier>()
        .map(Into::into)
        .map_err(|_| Repr::AccountId)
}

fn checked(token: Option<Secret>) -> Result<Secret, Repr> {
    let Some(token) = token else {
        return random::hex::<32>().map(Into::into);
    };
    let text = token.expose().as_bytes();
    if !text.is_empty() && text.iter().all(u8::is_ascii_graphic) {
        Ok(token)
    } else {
        Err(Repr::Token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_of_one_account() -> Result<(), Repr> {
        let accounts = Accounts::new(None, Some("writes".into()), Some("reads".into()))?;
        let other = accounts.add()?;
        for (token, id, permission) in [
            ("writes", &accounts.first.access.id, Permission::Write),
            ("reads", &accounts.first.access.id, Permission::Read),
            (other.token.expose(), &other.id, Permission::Write),
            (other.read_token.expose(), &other.id, Permission::Read),
        ] {
            let (account, found) = accounts.find(token).expect("a token");
            assert_eq!((&account.access.id, found), (id, permission));
        }
        assert!(accounts.find("neither").is_none());
        assert!(accounts.find("").is_none());
        Ok(())
    }

    #[test]
    fn there_is_an_end_to_accounts() -> Result<(), Repr> {
        let accounts = Accounts::new(None, None, None)?;
        for _ in 1..LIMIT {
            accounts.add()?;
        }
        assert!(matches!(accounts.add(), Err(Repr::TooManyAccounts { .. })));
        assert_eq!(accounts.all().len(), LIMIT);
        Ok(())
    }

    #[test]
    fn one_token_has_one_meaning() {
        let same = Accounts::new(None, Some("token".into()), Some("token".into()));
        assert!(matches!(same, Err(Repr::Token)));
    }
}
