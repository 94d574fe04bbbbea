//! How Wireshark finds this program.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

/// What `pcaps wireshark` has found, or done.
#[derive(Serialize, JsonSchema)]
pub(crate) struct WiresharkLinks {
    /// This program.
    pub(crate) program: PathBuf,
    /// The program of Wireshark's that was asked where its folder is; null if there is none.
    pub(crate) tshark: Option<PathBuf>,
    /// What there is in the folders in which Wireshark looks for programs to capture with.
    pub(crate) links: Vec<WiresharkLink>,
}

/// What leads, or would lead, to this program.
#[derive(Serialize, JsonSchema)]
pub(crate) struct WiresharkLink {
    pub(crate) path: PathBuf,
    pub(crate) state: LinkState,
    /// Whether that is so since now.
    pub(crate) changed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LinkState {
    /// It leads to this program.
    Installed,
    /// It leads to another version of this program.
    Other,
    /// It leads to where this program is not any more.
    Broken,
    /// Something else has the name.
    Foreign,
    /// It is not there.
    Absent,
}

impl WiresharkLink {
    pub(crate) fn is_there(&self) -> bool {
        self.state != LinkState::Absent
    }

    fn says(&self) -> &'static str {
        match (self.state, self.changed) {
            (LinkState::Installed, true) => "installed",
            (LinkState::Installed, false) => "is installed",
            (LinkState::Other, _) => "leads to another pcaps",
            (LinkState::Broken, _) => "leads nowhere",
            (LinkState::Foreign, _) => "is not of pcaps",
            (LinkState::Absent, true) => "removed",
            (LinkState::Absent, false) => "is not installed",
        }
    }
}

impl WiresharkLinks {
    pub(crate) fn text(&self) -> String {
        if self.links.is_empty() {
            return "nothing is installed\n".to_owned();
        }
        let line = |it: &WiresharkLink| format!("{}: {}\n", it.path.display(), it.says());
        self.links.iter().map(line).collect()
    }
}
