//! The arguments of `pcaps query`.

use std::path::PathBuf;

use clap::{
    ValueHint,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use pcaps_query::Question;

#[derive(clap::Args)]
pub(crate) struct Query {
    /// A question in SQL, to the views `packets` and `flows`; `-` reads it from standard input.
    #[arg(
        value_name = "SQL",
        conflicts_with = "ask",
        required_unless_present_any = ["ask", "show_sql"]
    )]
    pub(crate) sql: Option<String>,

    /// A question that is ready.
    #[arg(long, value_name = "NAME", value_parser = questions(), hide_possible_values = true)]
    pub(crate) ask: Option<Question>,

    /// The data set that `pcaps export` has written: a folder or a bucket's URI, for a cluster as that reads it.
    #[arg(
        long,
        value_name = "DIR|URI",
        value_hint = ValueHint::DirPath,
        required_unless_present = "show_sql"
    )]
    pub(crate) from: Option<String>,

    /// Who answers: `datafusion`, in this process, `sc://HOST:PORT`, Spark Connect, or `spark://HOST:PORT`.
    #[arg(
        long,
        value_name = "ENGINE",
        help = "Who answers: datafusion, in this process; sc://HOST:PORT, Spark Connect, as of Spark and Sail; spark://HOST:PORT, a Spark cluster; without it, SPARK_REMOTE or datafusion"
    )]
    pub(crate) engine: Option<String>,

    /// Print the SQL and ask nobody; without a question, that of the view `flows`.
    #[arg(long)]
    pub(crate) show_sql: bool,

    /// The file to save to, in the format of its ending; `-` is standard output.
    #[arg(
        short = 'o',
        long,
        visible_short_alias = 'w',
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        help = "The file to save to: .parquet, .csv, .json, .ndjson or .yaml; `-` is standard output"
    )]
    pub(crate) output_file: Option<PathBuf>,
}

/// The names of questions.
fn questions() -> impl TypedValueParser<Value = Question> {
    let names = Question::all().iter();
    let names = names.map(|it| PossibleValue::new(it.name()).help(it.about()));
    PossibleValuesParser::new(names)
        // It is one of them.
        .try_map(|name| Question::named(&name).ok_or("there is no such question"))
}

/// What follows the options in the help: the questions, and how to ask. Lines fit a terminal of 80 columns.
pub(super) fn help() -> String {
    let mut text = "Questions that are ready, for --ask:\n".to_owned();
    for question in Question::all() {
        let words = question.about().split(' ');
        let mut line = format!("  {:<19}", question.name());
        for (at, word) in words.enumerate() {
            if line.chars().count() + 1 + word.chars().count() > 80 {
                text = text + line.trim_end() + "\n";
                line = " ".repeat(21);
            } else if at > 0 {
                line.push(' ');
            }
            line.push_str(word);
        }
        text = text + &line + "\n";
    }
    text + "\n" + super::help::QUERY
}
