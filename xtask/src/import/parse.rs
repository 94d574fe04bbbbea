//! JSON or YAML, told apart by content, to one kind of value.

use std::fmt;

use anyhow::{Context as _, Result, bail, ensure};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// Reads a document.
///
/// # Errors
///
/// When it is neither JSON nor YAML, or an object in it has one key twice; with line and column.
pub(super) fn parse(bytes: &[u8]) -> Result<Value> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| anyhow::anyhow!("it is not UTF-8 at byte {}", error.valid_up_to()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().is_empty() {
        bail!("it is empty");
    }
    // In YAML a document may begin with a brace as well; none that is published does, and JSON is read much faster.
    let Document(value) = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).context("it is not JSON")?
    } else {
        let document = serde_saphyr::from_str_with_options(text, limits()).map_err(|error| {
            let error = error.without_snippet();
            let error = error.render_with_formatter(&serde_saphyr::UserMessageFormatter);
            anyhow::anyhow!("it is not YAML: {error}")
        })?;
        // YAML has no end of its own: what is cut off in a line is a shorter document.
        ensure!(
            text.ends_with(['\n', '\r']),
            "line {} has no end: was the file cut off? If it is whole, add a newline",
            text.lines().count()
        );
        document
    };
    Ok(value)
}

/// Limits for a document of the size that is let in. The defaults are for small ones; what they guard against, a small
/// text that grows large through aliases, still is.
fn limits() -> serde_saphyr::Options {
    serde_saphyr::options! {
        // `no` is Norway, and a word.
        strict_booleans: true,
        budget: serde_saphyr::budget! {
            max_reader_input_bytes: None,
            max_events: 64_000_000,
            max_nodes: 32_000_000,
            max_total_scalar_bytes: 256 << 20,
            max_depth: 128,
        },
    }
}

/// A JSON value whose objects have each key once.
struct Document(Value);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue).map(Document)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON can hold")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom(format!("{value} is not a number in JSON")))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Document(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(format!("the key {key:?} is there twice")));
            }
            let Document(value) = map.next_value()?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use serde_json::json;

    use super::*;

    #[test]
    fn json_and_yaml_give_the_same() {
        let expected = json!({"openapi": "3.0.3", "paths": {"/a": {"get": {"responses": {
            "200": {"description": "yes: it's \"fine\""}, "default": {"x": [1, 2.5, -3, true, null, "no", "1.0"]},
        }}}}});
        let yaml = "openapi: 3.0.3\npaths:\n  /a:\n    get:\n      responses:\n        200:\n          description: 'yes: it''s \"fine\"'\n        default: {x: [1, 2.5, -3, true, null, no, '1.0']}\n";
        assert_eq!(parse(expected.to_string().as_bytes()).unwrap(), expected);
        assert_eq!(parse(yaml.as_bytes()).unwrap(), expected);
        assert_eq!(
            parse(format!("\u{feff}{expected}").as_bytes()).unwrap(),
            expected
        );
    }

    #[test]
    fn what_is_neither_is_refused_with_its_place() {
        for (text, place) in [
            ("", "it is empty"),
            ("{\"a\": 1, \"b\": {\"c\": ", "line 1"),
            ("{\"a\": 1,\n \"a\": 2}", "\"a\" is there twice at line 2"),
            ("a: 1\nb: [1, 2\n", "line"),
            ("a: 1\na: 2\n", "line 2"),
            ("a: &x [1]\nb: *y\n", "line 2"),
            ("a: .nan\n", "line 1, column 4"),
            ("a: 1\nb: tw", "line 2 has no end"),
        ] {
            let error = format!("{:#}", parse(text.as_bytes()).unwrap_err());
            assert!(error.contains(place), "{text:?}: {error}");
        }
        let error = format!("{:#}", parse(b"{\"a\": \"\xff\"}").unwrap_err());
        assert!(error.contains("not UTF-8 at byte 7"), "{error}");
    }

    #[test]
    fn what_would_grow_without_end_is_refused() {
        let deep = "[".repeat(100_000);
        assert!(parse(format!("{{\"a\": {deep}").as_bytes()).is_err());
        assert!(parse(format!("a: {deep}").as_bytes()).is_err());
        let mut laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
        for level in 1..12 {
            let last = format!("*a{}", level - 1);
            let items = [last.as_str(); 9].join(", ");
            writeln!(laughs, "a{level}: &a{level} [{items}]").unwrap();
        }
        let error = format!("{:#}", parse(laughs.as_bytes()).unwrap_err());
        assert!(error.contains("YAML"), "{error}");
    }
}
