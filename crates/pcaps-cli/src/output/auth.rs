//! Who is logged in, as people and programs read it.

use std::path::PathBuf;

use pcaps::Probe;
use schemars::JsonSchema;
use serde::Serialize;

use super::text::Pairs;

/// The permissions, as Cloudflare's dashboard names them.
const READ: &str = "Magic Firewall Packet Captures - Read PCAPs API";
const WRITE: &str = "Magic Firewall Packet Captures - Write PCAPs API";

/// What credentials are good for.
#[derive(Clone, Copy, Serialize, JsonSchema)]
pub(crate) struct Permissions {
    pub(crate) read: bool,
    pub(crate) write: bool,
}

impl From<Probe> for Permissions {
    fn from(probe: Probe) -> Self {
        Self {
            read: probe.may_read,
            write: probe.may_write,
        }
    }
}

impl Permissions {
    /// Whether nothing can be done with them.
    pub(crate) fn is_none(self) -> bool {
        !self.read && !self.write
    }

    /// The names of those that are not there.
    pub(crate) fn missing(self) -> Vec<&'static str> {
        let all = [(self.read, READ), (self.write, WRITE)];
        all.iter().filter(|it| !it.0).map(|it| it.1).collect()
    }

    pub(crate) fn text(self) -> &'static str {
        match (self.read, self.write) {
            (true, true) => "read, write",
            (true, false) => "read",
            (false, true) => "write",
            (false, false) => "none",
        }
    }
}

/// What `pcaps auth login` has done.
#[derive(Serialize, JsonSchema)]
pub(crate) struct LoggedIn {
    pub(crate) profile: String,
    pub(crate) account: String,
    pub(crate) base_url: String,
    /// Null for the system's keyring.
    pub(crate) file: Option<PathBuf>,
    /// Null when the service was not asked.
    pub(crate) permissions: Option<Permissions>,
}

impl LoggedIn {
    pub(crate) fn text(&self) -> String {
        let place = match &self.file {
            None => "the system's keyring".to_owned(),
            Some(path) => path.display().to_string(),
        };
        let mut pairs = Pairs::new();
        pairs.line("profile", &self.profile);
        pairs.line("service", &self.base_url);
        pairs.line("account", &self.account);
        pairs.line("kept in", &place);
        pairs.line(
            "permissions",
            self.permissions.map_or("not asked for", Permissions::text),
        );
        pairs.finish()
    }
}

/// What `pcaps auth status` has found.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Standing {
    pub(crate) profile: String,
    /// Null when there is none.
    pub(crate) configuration: Option<PathBuf>,
    pub(crate) base_url: String,
    pub(crate) account: String,
    /// Which are used.
    pub(crate) credentials: String,
    /// Those that would be used without these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) instead_of: Option<String>,
    /// Null when the service did not say.
    pub(crate) permissions: Option<Permissions>,
    pub(crate) missing: Vec<&'static str>,
}

impl Standing {
    pub(crate) fn text(&self) -> String {
        let mut pairs = Pairs::new();
        pairs.line("profile", &self.profile);
        let path = self
            .configuration
            .as_ref()
            .map(|it| it.display().to_string());
        pairs.line_if("config file", path);
        pairs.line("service", &self.base_url);
        pairs.line("account", &self.account);
        pairs.line("credentials", &self.credentials);
        pairs.line_if("instead of", self.instead_of.as_deref());
        let permissions = self.permissions.map_or("not known", Permissions::text);
        pairs.line("permissions", permissions);
        for missing in &self.missing {
            pairs.line("missing", missing);
        }
        pairs.finish()
    }
}

/// What `pcaps auth logout` has done.
#[derive(Serialize, JsonSchema)]
pub(crate) struct LoggedOut {
    pub(crate) profile: String,
    pub(crate) logged_out: bool,
}
