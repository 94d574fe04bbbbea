//! The formats that results are printed in.

use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;

use super::text::one_line;
use crate::failure::{Exit, Failure};

/// How a result is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    // (Help shows no more than the names.)
    // For people: a table, or names and values.
    #[default]
    Table,
    // One document, on lines that people can read.
    Json,
    // A document a line: of a list one for each element, of anything else one.
    Ndjson,
    // One document.
    Yaml,
    // The ids of captures or buckets, one a line.
    Id,
    // The rows of an answer.
    Csv,
}

impl Format {
    /// Whether people read it.
    pub(crate) fn is_table(self) -> bool {
        self == Self::Table
    }

    /// Whether it is a document, for programs.
    pub(crate) fn is_document(self) -> bool {
        matches!(self, Self::Json | Self::Ndjson | Self::Yaml)
    }

    /// A result, whole.
    pub(super) fn document(self, result: &impl Serialize) -> Result<String, Failure> {
        match self {
            Self::Table | Self::Json => Ok(pretty(result)? + "\n"),
            Self::Yaml => yaml(result),
            Self::Ndjson => match value(result)? {
                Value::Array(elements) => elements.iter().map(line).collect(),
                document => line(&document),
            },
            Self::Csv => Err(Failure::usage(
                "only `query` prints CSV: give another format than `--output csv`",
            )),
            Self::Id => {
                let result = value(result)?;
                Ok(ids(&result).iter().map(|id| one_line(id) + "\n").collect())
            }
        }
    }
}

/// What a result is in JSON.
pub(super) fn value(result: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(result).map_err(|error| Failure::because(Exit::Other, &error))
}

pub(super) fn pretty(result: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(result).map_err(|error| Failure::because(Exit::Other, &error))
}

pub(super) fn compact(result: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(result).map_err(|error| Failure::because(Exit::Other, &error))
}

pub(super) fn yaml(result: &impl Serialize) -> Result<String, Failure> {
    let text = serde_saphyr::to_string(result);
    let mut text = text.map_err(|error| Failure::because(Exit::Other, &error))?;
    // It leaves out the end of the last line where that is deep enough.
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

fn line(document: &Value) -> Result<String, Failure> {
    Ok(compact(document)? + "\n")
}

/// Where a document has its id.
pub(crate) const ID_FIELDS: [&str; 2] = ["id", "capture.id"];

/// The ids of a list, or of a document.
fn ids(result: &Value) -> Vec<&str> {
    match result {
        Value::Array(elements) => elements.iter().flat_map(ids).collect(),
        document => ID_FIELDS
            .iter()
            .filter_map(|field| {
                let pointer = format!("/{}", field.replace('.', "/"));
                document.pointer(&pointer)?.as_str()
            })
            // The service may give none.
            .filter(|id| !id.is_empty())
            .take(1)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_a_line_for_each_element() {
        let list = json!([{"id": "a", "n": [1]}, {"id": "b\n"}, {"id": ""}, {"type": "odd"}]);
        let document = |format: Format, result: &Value| format.document(result).unwrap();
        assert_eq!(
            document(Format::Ndjson, &list),
            "{\"id\":\"a\",\"n\":[1]}\n{\"id\":\"b\\n\"}\n{\"id\":\"\"}\n{\"type\":\"odd\"}\n"
        );
        assert_eq!(document(Format::Id, &list), "a\nb \n");
        let one = json!({"capture": {"id": "c"}, "file": {}});
        assert_eq!(document(Format::Id, &one), "c\n");
        assert_eq!(document(Format::Ndjson, &json!([])), "");
        assert_eq!(document(Format::Id, &json!([])), "");
    }

    /// What text may be taken for in YAML.
    #[test]
    fn text_stays_text_in_yaml() {
        for text in [
            "yes",
            "on",
            "y",
            "1234567890",
            "12e34",
            "1_000",
            "017",
            "0o17",
            "12:30:45",
            "null",
            "~",
            "1e3",
            "0x1f",
            "1:30",
            "2026-11-23",
            "- a",
            "a: b",
            "#",
            "*a",
            "&a",
            "!a",
            "%a",
            "@a",
            "`a`",
            " a ",
            "",
            "a\nb\n",
            "a\tb",
            "\u{1b}[31m",
            "ü",
            "'",
            "\"",
            "{",
            "[",
            "=",
            "<<",
            "---",
            "...",
            ".inf",
        ] {
            let printed = yaml(&json!({ text: [text] })).unwrap();
            let read: Value = serde_saphyr::from_str(&printed).unwrap();
            assert_eq!(read, json!({ text: [text] }), "{printed}");
        }
        let deep = yaml(&json!({ "a": [{ "b": { "c": "d" } }] })).unwrap();
        assert!(deep.ends_with("c: d\n"), "{deep:?}");
    }
}
