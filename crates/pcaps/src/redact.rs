//! Taking secrets out of text that will be shown.

use std::{ops::Range, sync::Arc};

use pcaps_api::Secret;
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// What stands in place of a secret.
pub(crate) const MASK: &str = "REDACTED";

/// Whether a parameter or field of this name holds a secret: `access-key-id` or `secret-access-key`, in any case, with
/// hyphens, underscores or nothing between its words, percent-encoded or not.
pub(crate) fn is_secret(name: &str) -> bool {
    let name: String = decoded(name)
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    matches!(name.as_str(), "accesskeyid" | "secretaccesskey")
}

/// A text that may quote the URI of a bucket on R2, with the keys in it replaced by `REDACTED`: what follows the name of
/// a key and a `=` or `:`, up to the end of the parameter.
///
/// What this crate shows has been through it. It is there for programs that show texts of other origin, their own
/// arguments for example.
///
/// ```
/// let shown = pcaps::redacted("cannot open r2://b?secret-access-key=hunter2");
/// assert_eq!(shown, "cannot open r2://b?secret-access-key=REDACTED");
/// ```
pub fn redacted(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(value) = next_secret(rest) {
        result.push_str(&rest[..value.start]);
        result.push_str(MASK);
        rest = &rest[value.end..];
    }
    result.push_str(rest);
    result
}

/// Secrets that are known, because they were given: the credentials, and what a request holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secrets(Arc<[Secret]>);

impl Secrets {
    pub(crate) fn new(secrets: impl IntoIterator<Item = Secret>) -> Self {
        // What is shorter is in every other text, and no secret.
        let secrets = secrets.into_iter().filter(|it| it.expose().len() >= 4);
        let mut secrets: Vec<_> = secrets.collect();
        // One may be a part of another.
        secrets.sort_by_key(|it| std::cmp::Reverse(it.expose().len()));
        Self(secrets.into())
    }

    /// These and others.
    pub(crate) fn and(&self, others: Vec<Secret>) -> Self {
        Self::new(self.0.iter().cloned().chain(others))
    }

    /// What the service said, fit to be shown: without secrets, on one line, and no longer than anybody reads.
    pub(crate) fn clean(&self, text: &str) -> String {
        /// Nothing is looked for beyond.
        const READ: usize = 64 * 1024;
        const SHOWN: usize = 2_000;
        let mut clean: String = text.chars().take(READ).collect();
        for secret in &*self.0 {
            clean = clean.replace(secret.expose(), MASK);
        }
        let clean = redacted(&clean);
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let mut shown: String = clean.chars().take(SHOWN).map(plain).collect();
        if clean.chars().nth(SHOWN).is_some() {
            shown.push('…');
        }
        shown
    }
}

/// Where the first secret value is.
fn next_secret(text: &str) -> Option<Range<usize>> {
    // Long enough for any of the names with every sign percent-encoded.
    const LONGEST: usize = 80;
    for (at, sign) in separators(text) {
        // No more than a name may take: whatever the text is, looking at it takes no longer than it is long.
        let window = text[..at].char_indices().rev().take(LONGEST).last();
        let before = &text[window.map_or(at, |(start, _)| start)..at];
        let before = before.trim_end_matches(|c| is_padding(c) || c == '=');
        let is_part =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '%' | ' ' | '.');
        let name_start = before
            .char_indices()
            .rev()
            .take_while(|(_, c)| is_part(*c))
            .last()
            .map_or(before.len(), |(start, _)| start);
        // A name may follow a percent-encoded `?` or `&`, which the name's own signs look like.
        let name = &before[name_start..];
        let mut starts = name.char_indices().map(|(start, _)| start);
        if !starts.any(|start| is_secret(&name[start..])) {
            continue;
        }
        let start = at + sign;
        let is_sign = |c: char| is_padding(c) || matches!(c, ':' | '=' | '>');
        let start = text.len() - text[start..].trim_start_matches(is_sign).len();
        let end = start + value_len(&text[start..]);
        // `…` stands for a value in advice on how to write one.
        if end > start && !matches!(&text[start..end], MASK | "…") {
            return Some(start..end);
        }
    }
    None
}

/// What may stand between a name, the sign after it and the value: in JSON, or in prose.
fn is_padding(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '\\' | '`' | '<')
}

/// Where a `=`, a `:` or a `>` stands, plain or percent-encoded (and the `%` of that, and so on), and its length.
fn separators(text: &str) -> impl Iterator<Item = (usize, usize)> {
    text.char_indices().filter_map(|(at, c)| match c {
        '=' | ':' | '>' => Some((at, 1)),
        '%' => {
            let mut end = at + 1;
            while text[end..].starts_with("25") {
                end += 2;
            }
            let code = text.get(end..end + 2)?.to_ascii_lowercase();
            matches!(code.as_str(), "3d" | "3a" | "3e").then_some((at, end + 2 - at))
        }
        _ => None,
    })
}

/// How far a value goes: to the next parameter, plain or percent-encoded, or to what cannot stand in a URI.
fn value_len(text: &str) -> usize {
    let ends = |(at, c): (usize, char)| {
        let encoded = || text.get(at..at + 3).map(str::to_ascii_lowercase);
        let end = c.is_whitespace()
            || matches!(c, '&' | '#' | '"' | '`' | '<' | '>')
            || (c == '%' && matches!(encoded().as_deref(), Some("%26" | "%23")));
        end.then_some(at)
    };
    text.char_indices().find_map(ends).unwrap_or(text.len())
}

/// Percent-encoding undone, as often as it was done.
fn decoded(text: &str) -> String {
    let mut text = text.to_owned();
    while text.contains('%') {
        let once = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        if once == text {
            break;
        }
        text = once;
    }
    text
}

/// A JSON value with [`redacted`] applied to every string in it, and fields whose name says that they are secret masked.
pub(crate) fn json(value: &mut Value) {
    match value {
        Value::String(it) => *it = redacted(it),
        Value::Array(items) => items.iter_mut().for_each(json),
        Value::Object(map) => {
            for (name, value) in map.iter_mut() {
                if is_secret(name) && !value.is_null() {
                    *value = MASK.into();
                } else {
                    json(value);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_replaced_wherever_they_stand() {
        for (given, shown) in [
            (
                "bucket r2://b/d?account-id=acc&access-key-id=AK1&Secret-Access-Key=S/K+2= is gone",
                "bucket r2://b/d?account-id=acc&access-key-id=REDACTED&Secret-Access-Key=REDACTED is gone",
            ),
            (
                "\"x?secret-access-key=q\"",
                "\"x?secret-access-key=REDACTED\"",
            ),
            (
                "x?secret-access-key=a,b;c)d'e&f=1",
                "x?secret-access-key=REDACTED&f=1",
            ),
            ("secret%2Daccess%2Dkey=SK", "secret%2Daccess%2Dkey=REDACTED"),
            (
                "r2%3A%2F%2Fb%3Fsecret-access-key%3DSK%26x%3D1",
                "r2%3A%2F%2Fb%3Fsecret-access-key%3DREDACTED%26x%3D1",
            ),
            ("secret-access-key: SK", "secret-access-key: REDACTED"),
            ("secret_access_key=SK", "secret_access_key=REDACTED"),
            (
                r#"bad {"secret-access-key":"SK","x":1}"#,
                r#"bad {"secret-access-key":"REDACTED","x":1}"#,
            ),
            (
                r#"b?secret-access-key="SK"&x=1"#,
                r#"b?secret-access-key="REDACTED"&x=1"#,
            ),
            ("access-key-id = 'AK", "access-key-id = 'REDACTED"),
            (
                "<SecretAccessKey>SK</SecretAccessKey>",
                "<SecretAccessKey>REDACTED</SecretAccessKey>",
            ),
            (
                "your secret access key: SK",
                "your secret access key: REDACTED",
            ),
            ("access_key_id => AK", "access_key_id => REDACTED"),
            ("secret-access-key%253DSK", "secret-access-key%253DREDACTED"),
            (
                "no keys, no change: ünïcödé = 1%",
                "no keys, no change: ünïcödé = 1%",
            ),
        ] {
            assert_eq!(redacted(given), shown);
            assert_eq!(redacted(shown), shown, "a second time");
        }
    }

    #[test]
    fn known_secrets_are_taken_out_whole() {
        let secrets = Secrets::new(["token", "token&tail", "a"].map(Secret::from));
        assert_eq!(
            secrets.clean("a token&tail\nand token"),
            "a REDACTED and REDACTED"
        );
        let cut = format!("{}token", "x".repeat(1_997));
        assert!(!secrets.clean(&cut).contains("tok"), "also where it is cut");
        let long = secrets.clean(&"=".repeat(1 << 20));
        assert_eq!(long.chars().count(), 2_001);
    }

    #[test]
    fn fields_are_masked_by_name() {
        let mut value =
            json!({"note": {"secret-access-key": "a", "accessKeyId": ["b"]}, "id": "c"});
        json(&mut value);
        assert_eq!(
            value,
            json!({"note": {"secret-access-key": "REDACTED", "accessKeyId": "REDACTED"}, "id": "c"})
        );
    }
}
