//! What an engine answers.

use std::{collections::BTreeSet, fmt};

use serde_json::Value;

use crate::{Error, ErrorKind};

/// The rows of an answer, as they come: values in the order of the columns. After an error there are no more.
///
/// Values are the same on every engine. A moment is text in RFC 3339, in UTC with microseconds
/// (`2026-11-23T10:00:00.250000Z`); one without a zone has no `Z`. A day is `2026-11-23`. A decimal of more than 15 digits, and a
/// number that is none (`NaN`), is text, because JSON has no such numbers. A length of time is in seconds (`PT90.000005S`), bytes
/// are in hexadecimal digits. Lists, maps and structures are those of JSON.
///
/// Dropped early, it ends the query.
pub struct Answer {
    columns: Vec<String>,
    rows: Rows,
}

/// Values in the order of the columns.
pub(crate) type Row = Vec<Value>;

/// Where rows come from.
pub(crate) type Rows = Box<dyn Iterator<Item = Result<Row, Error>> + Send>;

impl Answer {
    pub(crate) fn new(columns: Vec<String>, rows: Rows) -> Result<Self, Error> {
        let mut seen = BTreeSet::new();
        if let Some(twin) = columns.iter().find(|it| !seen.insert(it.as_str())) {
            let message =
                format!("two columns are called `{twin}`: give one of them another name, with AS");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        Ok(Self { columns, rows })
    }

    /// The names of the columns, no two the same.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }
}

impl Iterator for Answer {
    type Item = Result<Vec<Value>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rows.next()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}
