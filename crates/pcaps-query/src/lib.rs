//! Questions to a data set that `pcaps export` has written, in SQL, and engines that answer them.
//!
//! [`Question`]s are ready; anything else is SQL over two views. `packets` has a row for each packet, with the columns of
//! the files and those in the names of their folders. `flows` sums packets up by their five-tuple ([`FLOWS`]).
//!
//! An [`Engine`] gives an [`Answer`], row by row, or saves it as Parquet. There is one in this process, `DataFusion`, with
//! the feature `datafusion`: it reads a folder, or a bucket that it is given (`Query::in_bucket`), and never writes to it. Spark
//! and Sail are asked by way of a Python program that is part of this crate, and read what they can reach by themselves. The
//! questions' SQL is the same for all.
//!
//! # Examples
//!
//! ```no_run
//! use pcaps_query::{Engine, Query, Question, Stop};
//!
//! # fn main() -> Result<(), pcaps_query::Error> {
//! let question = Question::named("top-talkers").expect("it is one of the eight");
//! let engine: Engine = "sc://127.0.0.1:15002".parse()?;
//! let answer = engine.ask(&Query::new(question.sql(), "/data/packets"), &Stop::default())?;
//! println!("{:?}", answer.columns());
//! for row in answer {
//!     println!("{:?}", row?);
//! }
//! # Ok(())
//! # }
//! ```

mod answer;
#[cfg(feature = "datafusion")]
mod embedded;
mod engine;
mod error;
mod place;
mod question;
mod remote;
mod stop;

pub use answer::Answer;
pub use engine::{Engine, Query};
pub use error::{Error, ErrorKind};
#[cfg(feature = "datafusion")]
pub use object_store;
pub use question::{FLOWS, Question};
pub use stop::Stop;
