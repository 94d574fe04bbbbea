//! Who answers.

#[cfg(feature = "datafusion")]
use std::sync::Arc;
use std::{fmt, path, str::FromStr};

#[cfg(feature = "datafusion")]
use object_store::{ObjectStore, path::Path};

use crate::{Answer, Error, ErrorKind, Stop, remote::Remote};

/// SQL, and what it is about.
#[derive(Clone, Debug)]
pub struct Query {
    pub(crate) sql: String,
    pub(crate) from: String,
    #[cfg(feature = "datafusion")]
    pub(crate) bucket: Option<Bucket>,
}

/// A bucket's folder.
#[cfg(feature = "datafusion")]
#[derive(Clone)]
pub(crate) struct Bucket {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) folder: Path,
    pub(crate) explain: Arc<Explain>,
}

/// Says what an error of a store means.
#[cfg(feature = "datafusion")]
pub(crate) type Explain = dyn Fn(&object_store::Error) -> String + Send + Sync;

#[cfg(feature = "datafusion")]
impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bucket").field(&self.folder).finish()
    }
}

impl Query {
    /// A query over the views `packets` and `flows` of a data set: the path of a folder, or a URI as the engine reads it.
    ///
    /// A semicolon at the end of the SQL is left out.
    pub fn new(sql: impl Into<String>, from: impl Into<String>) -> Self {
        let mut sql = sql.into();
        sql.truncate(
            sql.trim_end_matches(|c: char| c == ';' || c.is_whitespace())
                .len(),
        );
        Self {
            sql,
            from: from.into(),
            #[cfg(feature = "datafusion")]
            bucket: None,
        }
    }

    /// Where the data set is for the engine in this process, if it is in a bucket: below this path of it. Other engines
    /// find it by themselves.
    ///
    /// What the store says of a failure may quote the answer of a server, which may quote a session token: `explain` says in
    /// other words what becomes part of an error.
    #[cfg(feature = "datafusion")]
    #[must_use]
    pub fn in_bucket(
        mut self,
        store: Arc<dyn ObjectStore>,
        folder: Path,
        explain: impl Fn(&object_store::Error) -> String + Send + Sync + 'static,
    ) -> Self {
        self.bucket = Some(Bucket {
            store,
            folder,
            explain: Arc::new(explain),
        });
        self
    }
}

/// Who answers a [`Query`]: `datafusion`, in this process; `sc://HOST:PORT`, a Spark Connect server, such as Spark's or
/// Sail; or `spark://HOST:PORT`, the master of a Spark cluster of its own.
///
/// Spark and Sail are asked by a Python program with pyspark. A token in `sc://…;token=…` reaches it on its standard input,
/// and never an error or a `Debug`.
///
/// # Examples
///
/// ```
/// use pcaps_query::Engine;
///
/// let engine: Engine = "sc://spark.example:15002/;use_ssl=true;token=secret".parse()?;
/// assert_eq!(engine.to_string(), "sc://spark.example:15002");
/// assert!("postgres://db".parse::<Engine>().is_err());
/// # Ok::<(), pcaps_query::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Engine(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Embedded,
    Remote(Remote),
}

impl Engine {
    /// The name of the engine in this process.
    pub const EMBEDDED: &'static str = "datafusion";

    /// The engine in this process. Without the feature `datafusion` it answers with an error.
    pub fn embedded() -> Self {
        Self(Kind::Embedded)
    }

    /// Whether it is the one in this process.
    pub fn is_embedded(&self) -> bool {
        matches!(self.0, Kind::Embedded)
    }

    /// The same, by way of this Python in place of `python3`: a program's name or path.
    #[must_use]
    pub fn python(self, program: impl Into<String>) -> Self {
        match self.0 {
            Kind::Remote(remote) => Self(Kind::Remote(remote.python(program.into()))),
            Kind::Embedded => self,
        }
    }

    /// Begins to answer. The thread waits until the names of the columns are known, and for rows when they are asked for.
    ///
    /// # Errors
    ///
    /// When the SQL or the data set's place cannot be used, there is no data, or the engine is missing, cannot be reached or
    /// fails ([`Error::kind`]). What goes wrong later is an item of the answer.
    pub fn ask(&self, query: &Query, stop: &Stop) -> Result<Answer, Error> {
        match &self.0 {
            Kind::Remote(remote) => remote.ask(query, stop),
            #[cfg(feature = "datafusion")]
            Kind::Embedded => crate::embedded::ask(query, stop),
            #[cfg(not(feature = "datafusion"))]
            Kind::Embedded => Err(not_built()),
        }
    }

    /// Writes the answer as a Parquet file, over what is at `path`, and gives the number of its rows.
    ///
    /// # Errors
    ///
    /// As those of [`ask`](Self::ask), and when the file cannot be written.
    pub fn save(&self, query: &Query, path: &path::Path, stop: &Stop) -> Result<u64, Error> {
        match &self.0 {
            Kind::Remote(remote) => remote.save(query, path, stop),
            #[cfg(feature = "datafusion")]
            Kind::Embedded => crate::embedded::save(query, path, stop),
            #[cfg(not(feature = "datafusion"))]
            Kind::Embedded => Err(not_built()),
        }
    }
}

#[cfg(not(feature = "datafusion"))]
fn not_built() -> Error {
    Error::new(
        ErrorKind::NotInstalled,
        "this build has no engine of its own: build it with the feature `query` (cargo install --path crates/pcaps-cli --features query), ask Spark or Sail with --engine sc://HOST:PORT, or give the SQL that --show-sql prints to any other engine",
    )
}

/// What it is asked by, without what may be secret in it.
impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Embedded => f.write_str(Self::EMBEDDED),
            Kind::Remote(remote) => remote.fmt(f),
        }
    }
}

impl FromStr for Engine {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text == Self::EMBEDDED {
            return Ok(Self::embedded());
        }
        let remote = Remote::parse(text).ok_or_else(|| {
            // (Without the text, which may hold a token.)
            Error::new(
                ErrorKind::InvalidInput,
                "an engine is datafusion, sc://HOST:PORT (Spark Connect, as of Spark and Sail) or spark://HOST:PORT (the master of a Spark cluster)",
            )
        })?;
        Ok(Self(Kind::Remote(remote)))
    }
}
