//! What the environment says of buckets.

use std::{collections::BTreeMap, path::PathBuf};

/// The variables that clouds' programs look at, as they are when a bucket is opened.
#[derive(Default)]
pub(super) struct Environment {
    variables: BTreeMap<String, String>,
    home: Option<PathBuf>,
}

impl Environment {
    pub(super) fn of_process() -> Self {
        let text = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self::new(text, std::env::home_dir())
    }

    /// These variables; empty ones count as not set.
    pub(super) fn new(
        variables: impl IntoIterator<Item = (String, String)>,
        home: Option<PathBuf>,
    ) -> Self {
        let of_clouds = |name: &str| {
            ["AWS_", "GOOGLE_", "R2_"]
                .iter()
                .any(|it| name.starts_with(it))
        };
        let variables = variables.into_iter();
        Self {
            variables: variables
                .filter(|(name, value)| of_clouds(name) && !value.is_empty())
                .collect(),
            home,
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Those whose names begin so, without letters in upper case.
    pub(super) fn of(&self, prefix: &str) -> impl Iterator<Item = (String, &str)> {
        self.variables
            .iter()
            .filter(move |(name, _)| name.starts_with(prefix))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.as_str()))
    }

    /// The file that a variable names, or else one in the home folder.
    pub(super) fn file(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        match self.get(variable) {
            Some(path) => Some(path.into()),
            None => self.home.as_ref().map(|it| it.join(below_home)),
        }
    }
}

#[cfg(test)]
impl Environment {
    /// These variables, and this home.
    pub(super) fn made_of(variables: &[(&str, &str)], home: &std::path::Path) -> Self {
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self::new(variables, Some(home.to_owned()))
    }
}
