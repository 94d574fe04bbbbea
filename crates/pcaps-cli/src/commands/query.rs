//! `pcaps query`: a question to packets in Parquet.

use std::{
    env,
    fs::File,
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use pcaps_file::NewFile;
use pcaps_query::{Engine, Error, ErrorKind, FLOWS, Query, Stop};

use super::stdin;
use crate::{
    args::{self, Global},
    failure::{Exit, Failure},
    output::{self, Format, Rows, Zone},
    resume::Resume,
    runtime,
    target::Target,
};

/// Names a Spark Connect server, for pyspark too.
const REMOTE: &str = "SPARK_REMOTE";
/// Names the Python that asks it, for pyspark too.
const PYTHON: &str = "PYSPARK_PYTHON";

pub(super) fn run(global: &Global, args: args::Query) -> Result<(), Failure> {
    let sql = match (args.ask, args.sql) {
        (Some(question), _) => Some(question.sql().to_owned()),
        (None, Some(sql)) => Some(stdin::or(sql, "a question in SQL")?.expose().to_owned()),
        (None, None) => None,
    };
    if args.show_sql {
        return show(global, sql.as_deref().unwrap_or(FLOWS));
    }
    let form = Form::of(global, args.output_file.as_deref())?;
    let engine = engine(args.engine)?;
    // clap sees to it that both are there.
    let (query, fault) = query(
        global,
        &engine,
        sql.unwrap_or_default(),
        args.from.unwrap_or_default(),
    )?;
    let path = args.output_file.filter(|it| it.as_os_str() != "-");
    let target = match &path {
        Some(path) => Target::prepare(global, path)?,
        None => Target::Stdout,
    };
    let stop = Stop::default();
    let rows = runtime::interruptible(&Resume::default(), async {
        // An interruption drops both: the query ends, and the file is taken away.
        let _end = End(stop.clone());
        let new = target.path().map(NewFile::create).transpose();
        let new = new.map_err(failed)?;
        let to = (new.as_ref()).map(|it| (it.temporary_path().to_owned(), it.path().to_owned()));
        let zone = Zone::of(global);
        let work = tokio::task::spawn_blocking(move || {
            let to = to.as_ref().map(|it| (it.0.as_path(), it.1.as_path()));
            let answered = answer(&engine, &query, &stop, form, zone, to);
            answered.map_err(|failure| fault.instead_of(failure))
        });
        let rows = work.await;
        let rows = rows.map_err(|error| Failure::because(Exit::Other, &error))??;
        new.map_or(Ok(()), NewFile::put_in_place).map_err(failed)?;
        Ok(rows)
    })?;
    if let Some(path) = target.path() {
        let rows = output::count(rows);
        output::note(global, &format!("{}: {rows} rows", path.display()));
    }
    Ok(())
}

/// A query over the data set of this name, and what the bucket that it is in may have against it. To the engine in this
/// process a bucket has to be opened.
#[cfg(feature = "query")]
fn query(
    global: &Global,
    engine: &Engine,
    sql: String,
    from: String,
) -> Result<(Query, Fault), Failure> {
    use pcaps::{Folder, Location};

    let fault = Fault::default();
    if !engine.is_embedded() || from.starts_with("file://") {
        return Ok((Query::new(sql, from), fault));
    }
    let Location::Bucket(bucket) = from.parse()? else {
        return Ok((Query::new(sql, from), fault));
    };
    // Without what may be secret.
    let shown = bucket.to_string();
    let mapped = crate::session::mapped(global)?.and_then(|find| find(&shown));
    let folder = mapped.map_or_else(|| Folder::open(&bucket), Ok)?;
    let (store, prefix) = (folder.store().clone(), folder.prefix().clone());
    let seen = fault.clone();
    let query = Query::new(sql, shown).in_bucket(store, prefix, move |error| {
        let error = folder.explain(&bucket, error);
        let text = error.to_string();
        seen.see(error.into());
        text
    });
    Ok((query, fault))
}

/// A query over the data set of this name.
#[cfg(not(feature = "query"))]
#[expect(clippy::unnecessary_wraps, reason = "with an engine it may fail")]
fn query(_: &Global, _: &Engine, sql: String, from: String) -> Result<(Query, Fault), Failure> {
    Ok((Query::new(sql, from), Fault::default()))
}

/// Why a bucket could not be read, if that was so: the engine has a text of it, and no exit code.
#[derive(Clone, Default)]
struct Fault(Arc<Mutex<Option<Failure>>>);

impl Fault {
    #[cfg(feature = "query")]
    fn see(&self, failure: Failure) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get_or_insert(failure);
    }

    /// The failure, or what led to it.
    fn instead_of(&self, failure: Failure) -> Failure {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.take().unwrap_or(failure)
    }
}

/// Ends a query with whoever waits for it.
struct End(Stop);

impl Drop for End {
    fn drop(&mut self) {
        self.0.now();
    }
}

/// Prints SQL as it stands in its file.
fn show(global: &Global, sql: &str) -> Result<(), Failure> {
    if global.format() != Format::Table {
        return Err(Failure::usage(
            "--show-sql prints SQL: leave out --json and --output",
        ));
    }
    output::print(&format!("{}\n", sql.trim_end()))
}

/// Who is asked: as it is given, or by the environment, or the engine in this process.
fn engine(given: Option<String>) -> Result<Engine, Failure> {
    let variable = |name| env::var(name).ok().filter(|it: &String| !it.is_empty());
    if given.as_ref().is_some_and(|it| it.contains(';')) {
        return Err(Failure::usage(format!(
            "other users of this machine can see a command line, and what follows a `;` in the URL may be a token: put the URL into {REMOTE}, and leave out --engine"
        )));
    }
    let engine = match (given, variable(REMOTE)) {
        (Some(url), _) => url.parse::<Engine>()?,
        (None, Some(url)) => url.parse::<Engine>().map_err(|error| {
            let note = format!("it is what {REMOTE} says: change it, or give --engine");
            Failure::from(error).noting(Some(note))
        })?,
        (None, None) => return Ok(Engine::embedded()),
    };
    Ok(match variable(PYTHON) {
        Some(python) => engine.python(python),
        None => engine,
    })
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Parquet,
    Text(Format),
}

impl Form {
    /// What an output file's ending says; of others, and on standard output, what is asked for.
    fn of(global: &Global, path: Option<&Path>) -> Result<Self, Failure> {
        let asked = (global.output.is_some() || global.json).then(|| global.format());
        let Some(path) = path.filter(|it| it.as_os_str() != "-") else {
            return Ok(Self::Text(global.format()));
        };
        let ending = path
            .extension()
            .and_then(|it| it.to_str())
            .unwrap_or_default();
        let said = match ending.to_ascii_lowercase().as_str() {
            "parquet" => Some(Self::Parquet),
            "csv" => Some(Self::Text(Format::Csv)),
            "json" => Some(Self::Text(Format::Json)),
            "ndjson" | "jsonl" => Some(Self::Text(Format::Ndjson)),
            "yaml" | "yml" => Some(Self::Text(Format::Yaml)),
            _ => None,
        };
        match (said, asked) {
            (Some(said), Some(asked)) if said != Self::Text(asked) => Err(Failure::usage(format!(
                "{} ends as a file of another format than --output asks for: leave one of them out",
                path.display()
            ))),
            (Some(said), _) => Ok(said),
            (None, Some(asked)) => Ok(Self::Text(asked)),
            (None, None) => Err(Failure::usage(format!(
                "the format of {} is not clear: have it end in .parquet, .csv, .json, .ndjson or .yaml, or give --output",
                path.display()
            ))),
        }
    }
}

/// Asks, and writes what is answered to a file, which in the end will have the second name, or to standard output. Gives
/// the number of rows.
fn answer(
    engine: &Engine,
    query: &Query,
    stop: &Stop,
    form: Form,
    zone: Zone,
    to: Option<(&Path, &Path)>,
) -> Result<u64, Failure> {
    let format = match (form, to) {
        (Form::Parquet, Some((path, name))) => {
            return engine.save(query, path, stop).map_err(|error| {
                // It knows the file by the name that it has until it is whole.
                let [path, name] = [path, name].map(|it| it.display().to_string());
                let message = error.to_string().replace(&path, &name);
                Failure::new(exit(error.kind()), message)
            });
        }
        (Form::Parquet, None) => {
            return Err(Failure::usage("Parquet goes to a file: give `-o FILE`"));
        }
        (Form::Text(format), _) => format,
    };
    let rows = Rows { format, zone };
    let answer = engine.ask(query, stop)?;
    match to {
        Some((path, name)) => {
            let unwritten = |error: &io::Error| Failure::write(name, error);
            let file = File::create(path).map_err(|error| unwritten(&error))?;
            rows.write(answer, file, unwritten)
        }
        None => rows.write(answer, io::stdout(), Failure::stdout),
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::because(exit(error.kind()), &error)
    }
}

fn exit(kind: ErrorKind) -> Exit {
    match kind {
        ErrorKind::InvalidInput | ErrorKind::NotInstalled => Exit::Usage,
        ErrorKind::Stopped => Exit::Interrupted,
        _ => Exit::Other,
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "this is how `map_err` calls it"
)]
fn failed(error: pcaps_file::Error) -> Failure {
    Failure::because(Exit::Other, &error)
}
