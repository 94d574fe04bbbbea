//! Integers that arrive as `80` or as `80.0`: the published description calls them `number`.

use serde::{Deserialize, Deserializer, de::Error};

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Integer(i64),
    Float(f64),
}

impl Number {
    fn integer<E: Error>(self) -> Result<i64, E> {
        // 2^53: beyond it a float does not hold every integer, so that which one was meant is not known.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        match self {
            Self::Integer(value) => Ok(value),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "it has no fraction and is in range"
            )]
            Self::Float(value) if value.fract() == 0.0 && value.abs() <= EXACT => Ok(value as i64),
            Self::Float(value) => Err(E::custom(format_args!("expected an integer, got {value}"))),
        }
    }
}

pub(crate) fn required<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Number::deserialize(deserializer)?.integer()
}

pub(crate) fn optional<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<i64>, D::Error> {
    Option::<Number>::deserialize(deserializer)?
        .map(Number::integer)
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Port {
        #[serde(default, deserialize_with = "optional")]
        port: Option<i64>,
    }

    fn decode(text: &str) -> Result<Option<i64>, serde_json::Error> {
        serde_json::from_str::<Port>(text).map(|it| it.port)
    }

    #[test]
    fn whole_numbers_are_integers_however_they_are_written() {
        assert_eq!(decode(r#"{"port": 80}"#).unwrap(), Some(80));
        assert_eq!(decode(r#"{"port": 80.0}"#).unwrap(), Some(80));
        assert_eq!(decode(r#"{"port": 8e1}"#).unwrap(), Some(80));
        assert_eq!(decode(r#"{"port": null}"#).unwrap(), None);
        assert_eq!(decode("{}").unwrap(), None);
    }

    #[test]
    fn nothing_else_is() {
        for text in [
            r#"{"port": 80.5}"#,
            r#"{"port": "80"}"#,
            r#"{"port": 1e300}"#,
            r#"{"port": 18446744073709551615}"#,
        ] {
            assert!(decode(text).is_err(), "{text}");
        }
    }
}
