//! Taking secrets out of text that will be shown.

/// Query parameters of an R2 bucket's URI that are secret.
const SECRET: [&str; 2] = ["access-key-id=", "secret-access-key="];

/// What stands in place of a secret.
const MASK: &str = "REDACTED";

/// The text with the keys of any bucket URI in it replaced.
pub(crate) fn text(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    let next = |rest: &str| {
        // Names of parameters are compared without regard to case: services do not agree on it.
        let lower = rest.to_ascii_lowercase();
        SECRET
            .iter()
            .filter_map(|name| Some(lower.find(name)? + name.len()))
            .min()
    };
    while let Some(start) = next(rest) {
        let (before, after) = rest.split_at(start);
        result.push_str(before);
        result.push_str(MASK);
        let ends = |c: char| {
            c.is_whitespace()
                || matches!(
                    c,
                    '&' | '#' | '"' | '\'' | '`' | '<' | '>' | ',' | ';' | ')'
                )
        };
        rest = &after[after.find(ends).unwrap_or(after.len())..];
    }
    result.push_str(rest);
    result
}

/// A JSON value with [`text`] applied to every string in it.
pub(crate) fn json(value: &mut serde_json::Value) {
    use serde_json::Value;
    match value {
        Value::String(it) => *it = text(it),
        Value::Array(items) => items.iter_mut().for_each(json),
        Value::Object(map) => map.values_mut().for_each(json),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_replaced_wherever_they_stand() {
        let given = "bucket r2://b/d?account-id=acc&access-key-id=AK1&Secret-Access-Key=S/K+2= is gone, \"x?secret-access-key=q\"";
        let shown = "bucket r2://b/d?account-id=acc&access-key-id=REDACTED&Secret-Access-Key=REDACTED is gone, \"x?secret-access-key=REDACTED\"";
        assert_eq!(text(given), shown);
        assert_eq!(text(shown), shown);
        assert_eq!(
            text("no keys, no change: ünïcödé"),
            "no keys, no change: ünïcödé"
        );
    }
}
