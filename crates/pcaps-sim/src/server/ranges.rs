//! Parts of downloads (RFC 9110, sections 13.1.5 and 14).

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::failure::{Failure, code};

/// The answer to a request for the packets of a capture, or for a part of them. Its media type is up to the
/// caller, unless it says what is wrong.
///
/// The tag is made from the capture's id and the length, since the packets of a capture never change; or it
/// is the one that is given.
pub(crate) fn ranged(
    method: &Method,
    asked: &HeaderMap,
    id: &str,
    tag: Option<HeaderValue>,
    bytes: Bytes,
) -> Response {
    let len = bytes.len();
    let tag = tag.or_else(|| HeaderValue::try_from(format!("\"{id}-{len:x}\"")).ok());
    // Only GET knows ranges.
    let range = asked
        .get(header::RANGE)
        .filter(|_| method == Method::GET && is_same(asked.get(header::IF_RANGE), tag.as_ref()))
        .and_then(|value| range(value.to_str().ok()?));
    let mut response = match range {
        None => Response::new(Body::from(bytes)),
        Some((first, _)) if first >= len => {
            let failure = Failure::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                code::NO_BYTES,
                format!("the range begins past the end: there are {len} bytes"),
            );
            let mut response = failure.into_response();
            set(
                &mut response,
                header::CONTENT_RANGE,
                &format!("bytes */{len}"),
            );
            response
        }
        Some((first, last)) => {
            let last = last.min(len - 1);
            let mut response = Response::new(Body::from(bytes.slice(first..=last)));
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let part = format!("bytes {first}-{last}/{len}");
            set(&mut response, header::CONTENT_RANGE, &part);
            response
        }
    };
    set(&mut response, header::ACCEPT_RANGES, "bytes");
    if let Some(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// Whether a part would be one of what the client has. A weak tag does not promise that.
fn is_same(condition: Option<&HeaderValue>, tag: Option<&HeaderValue>) -> bool {
    condition.is_none_or(|it| Some(it) == tag && !it.as_bytes().starts_with(b"W/"))
}

/// The first byte and the last of `bytes=N-` or `bytes=N-M`. Whatever else it says, it is ignored.
fn range(text: &str) -> Option<(usize, usize)> {
    let (unit, range) = text.split_once('=')?;
    let (first, last) = range.trim_matches(' ').split_once('-')?;
    let first = number(first)?;
    let last = if last.is_empty() {
        usize::MAX
    } else {
        number(last)?
    };
    (unit.eq_ignore_ascii_case("bytes") && first <= last).then_some((first, last))
}

/// A number; one that is too large is as good as the largest.
fn number(digits: &str) -> Option<usize> {
    let is_number = !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(usize::MAX))
}

fn set(response: &mut Response, name: HeaderName, value: &str) {
    // Numbers and words are a value.
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_read() {
        assert_eq!(range("bytes=0-"), Some((0, usize::MAX)));
        assert_eq!(range("Bytes= 5-9 "), Some((5, 9)));
        assert_eq!(
            range("bytes=99999999999999999999999-"),
            Some((usize::MAX, usize::MAX))
        );
        for text in [
            "bytes=-5",
            "bytes=5",
            "bytes=9-5",
            "bytes=0-1,3-4",
            "bytes=+1-",
            "bytes=a-",
            "lines=0-",
            "bytes",
            "",
        ] {
            assert_eq!(range(text), None, "{text}");
        }
    }
}
