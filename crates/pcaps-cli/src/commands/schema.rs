//! `pcaps schema`: what a command's result looks like to programs.

use std::collections::BTreeMap;

use pcaps::{Bucket, Capture};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Value, json};

use super::{
    bucket::Removed, capture, download, dry_run, fetch, filter, history, report, sim, stop, watch,
};
use crate::{
    args::{self, Global},
    failure::{ErrorView, Failure},
    output::{
        self, Checks, ExportView, Fields, Format, ID_FIELDS, LoggedIn, LoggedOut, MergedView,
        RowView, Standing, StatsView, WiresharkLinks, has_any,
    },
};

type Make = fn() -> Value;

/// The command whose rows have the fields that it asks for.
const QUERY: &str = "query";

/// Each command that has a result, and the schema of that.
const RESULTS: &[(&str, Make)] = &[
    ("auth login", of::<LoggedIn>),
    ("auth logout", of::<LoggedOut>),
    ("auth status", of::<Standing>),
    ("bucket add", of::<Bucket>),
    ("bucket list", of::<Vec<Bucket>>),
    ("bucket prove", of::<Bucket>),
    ("bucket remove", of::<Removed<'_>>),
    ("bucket validate", of::<Bucket>),
    ("capture", of::<capture::Document<'_>>),
    ("capture full", of::<fetch::Document<'_>>),
    ("doctor", of::<Checks<'_>>),
    ("download", of::<download::Document<'_>>),
    ("export", of::<ExportView<'_>>),
    ("fetch", of::<fetch::Document<'_>>),
    ("filter", of::<filter::Document>),
    ("history", of::<history::Document<'_>>),
    ("list", of::<Vec<Capture>>),
    ("merge", of::<MergedView<'_>>),
    (QUERY, of::<Vec<RowView>>),
    ("report", of::<report::Document>),
    ("show", of::<Capture>),
    ("sim", of::<sim::Document<'_>>),
    ("start full", of::<Capture>),
    ("start sample", of::<Capture>),
    ("stats", of::<StatsView>),
    ("stop", of::<stop::Document<'_>>),
    ("wait", of::<Capture>),
    ("watch", of::<watch::Document<'_>>),
    ("wireshark install", of::<WiresharkLinks>),
    ("wireshark status", of::<WiresharkLinks>),
    ("wireshark uninstall", of::<WiresharkLinks>),
];

/// What commands print beside, or in place of, their results.
const OTHERS: &[(&str, Make)] = &[
    (dry_run::NAME, of::<dry_run::Document>),
    ("error", of::<ErrorView<'_>>),
];

fn all() -> impl Iterator<Item = &'static (&'static str, Make)> {
    RESULTS.iter().chain(OTHERS)
}

pub(super) fn run(global: &Global, args: &args::Schema) -> Result<(), Failure> {
    let name = args.command.join(" ");
    let schema = if name.is_empty() {
        let all: BTreeMap<_, _> = all()
            .map(|(name, make)| (*name, titled(name, *make)))
            .collect();
        json!(all)
    } else {
        result(&name).ok_or_else(|| {
            let names: Vec<_> = all().map(|(name, _)| *name).collect();
            let names = names.join(", ");
            Failure::usage(format!(
                "there is no schema of that name: give the words of a command, as of {names}"
            ))
        })?
    };
    output::schema(global, &schema)
}

/// Makes sure that a command's result has what is to be printed of it.
pub(super) fn check(global: &Global, command: &str) -> Result<(), Failure> {
    let is_id = global.format() == Format::Id;
    if global.format() == Format::Csv && command != QUERY {
        return Err(Failure::usage(format!(
            "what {command} prints has no rows: give another format than `--output csv`"
        )));
    }
    if !is_id && global.fields.is_empty() {
        return Ok(());
    }
    if is_id && !global.fields.is_empty() {
        return Err(Failure::usage(
            "`--output id` prints ids only: leave out --fields, or give another format",
        ));
    }
    let schema = result(command);
    if is_id && !schema.as_ref().is_some_and(|it| has_any(it, &ID_FIELDS)) {
        return Err(Failure::usage(format!(
            "what {command} prints has no id: give another format than `--output id`"
        )));
    }
    match schema {
        Some(_) if command == QUERY => Err(Failure::usage(
            "the fields of an answer are those that its SQL names: leave out --fields",
        )),
        Some(schema) => Fields::new(&global.fields).check(&schema),
        None => Err(Failure::usage(format!(
            "what {command} prints has no fields: leave out --fields"
        ))),
    }
}

/// The schema of a command's result.
fn result(command: &str) -> Option<Value> {
    let mut all = all();
    let found = all.find(|(name, _)| *name == command);
    found.map(|(name, make)| titled(name, *make))
}

fn titled(name: &str, make: Make) -> Value {
    let mut schema = make();
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("title".to_owned(), format!("pcaps {name}").into());
    }
    schema
}

fn of<T: JsonSchema>() -> Value {
    let generator = SchemaSettings::default().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    mask(&mut schema);
    schema
}

/// What the service's own types say of secrets, as it is printed: without.
fn mask(schema: &mut Value) {
    if let Some(secret) = schema.pointer_mut("/$defs/Secret") {
        *secret = json!({
            "type": "string",
            "description": "Text; what is secret in it is `REDACTED`.",
        });
    }
    for (field, text) in [
        (
            "destination_conf",
            "The bucket's URI; keys in it are `REDACTED`.",
        ),
        (
            "error_message",
            "Why the capture failed; keys in it are `REDACTED`.",
        ),
    ] {
        let place = format!("/properties/{field}/description");
        if let Some(description) = schema.pointer_mut(&place) {
            *description = text.into();
        }
    }
    match schema {
        Value::Object(fields) => fields.values_mut().for_each(mask),
        Value::Array(items) => items.iter_mut().for_each(mask),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    /// Commands that print something else than a result.
    const WITHOUT: [&str; 3] = ["completions", "man", "schema"];

    #[test]
    fn every_command_has_a_schema() {
        fn leaves(command: &clap::Command, words: &str, found: &mut Vec<String>) {
            let is_leaf = command.get_subcommands().next().is_none();
            // `capture` has a result of its own, and one word that makes it another.
            if is_leaf || command.is_args_conflicts_with_subcommands_set() {
                found.push(words.to_owned());
            }
            for inner in command.get_subcommands() {
                leaves(inner, format!("{words} {}", inner.get_name()).trim(), found);
            }
        }
        let mut commands = Vec::new();
        leaves(&args::Args::command(), "", &mut commands);
        commands.retain(|it| !WITHOUT.contains(&it.as_str()));
        commands.sort();
        let described: Vec<_> = RESULTS.iter().map(|(name, _)| *name).collect();
        assert_eq!(described, commands);
    }

    #[test]
    fn a_schema_does_not_warn_of_secrets_that_are_not_there() {
        for (name, make) in all() {
            let text = make().to_string();
            assert!(
                !text.contains("never show") && !text.contains("password"),
                "{name}"
            );
        }
    }
}
