//! The answer to a request for a capture's bytes: all of them, or from where an earlier one broke off.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use pcaps_api::{Exchange, types::Identifier};
use reqwest::{
    StatusCode,
    header::{
        CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderName,
        HeaderValue, IF_RANGE, LAST_MODIFIED, RANGE,
    },
};

use crate::{
    Error, ErrorKind, Message,
    call::{Call, Shared, is_json},
    error::{beginning, http_date},
    operation::DOWNLOAD,
    redact::Secrets,
};

type Pieces = Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send + Sync>>;

/// Bytes of a capture, as they come.
pub(super) struct Body {
    pieces: Pieces,
    /// The length of the whole capture file, if it is told.
    pub(super) total: Option<u64>,
    /// Where in the file it starts.
    pub(super) start: u64,
    exchange: Exchange,
}

/// A part of the file that is there already, and what tells whether the server still has the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    pub(super) bytes: u64,
    /// The length of the whole, if it was told.
    total: Option<u64>,
    validator: Option<HeaderValue>,
}

impl Part {
    /// What asks for the rest; nothing, for the whole, if there is no part or none that could be gone on from.
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(validator) = self.validator()
            && let Ok(range) = HeaderValue::try_from(format!("bytes={}-", self.bytes))
        {
            headers.insert(RANGE, range);
            headers.insert(IF_RANGE, validator.clone());
        }
        headers
    }

    fn validator(&self) -> Option<&HeaderValue> {
        self.validator.as_ref().filter(|_| self.bytes > 0)
    }
}

impl Body {
    /// Asks for the rest of the file, or all of it. `None` when the server cannot go on from there.
    pub(super) async fn open(
        call: Call,
        account: &Identifier,
        id: &Identifier,
        part: &Part,
    ) -> Result<Option<Self>, Error> {
        let pieces: Pieces = match call.api.download_capture(account, id).await {
            Ok(response) => response.into_inner().into_inner(),
            Err(pcaps_api::Error::UnexpectedResponse(response))
                if response.status() == StatusCode::PARTIAL_CONTENT
                    && part.validator().is_some() =>
            {
                Box::pin(response.bytes_stream())
            }
            Err(_)
                if call.status() == StatusCode::RANGE_NOT_SATISFIABLE
                    && part.validator().is_some() =>
            {
                return Ok(None);
            }
            Err(error) => return Err(call.error(error).await),
        };
        let mut body = Self {
            pieces,
            total: None,
            start: 0,
            exchange: call.exchange.clone(),
        };
        if let Some(error) = body.refusal(&call.secrets).await {
            return Err(error);
        }
        if body.status() != StatusCode::PARTIAL_CONTENT {
            body.total = body.number(&CONTENT_LENGTH);
            return Ok(Some(body));
        }
        let range = body.header(&CONTENT_RANGE).and_then(content_range);
        match range {
            Some((start, total)) if start == part.bytes && body.is_rest_of(part, total) => {
                body.total = total.or(part.total);
                body.start = start;
                Ok(Some(body))
            }
            _ => Ok(None),
        }
    }

    /// The part of the file that is there once so many bytes are.
    pub(super) fn part(&self, bytes: u64) -> Part {
        Part {
            bytes,
            total: self.total,
            validator: self.validator().cloned(),
        }
    }

    /// Whether it certainly is of the same file: what told files apart has to be told again, and it has to be known where
    /// the whole ends.
    fn is_rest_of(&self, part: &Part, total: Option<u64>) -> bool {
        let same_length = total == part.total;
        let told = total.is_some() && part.total.is_some();
        let Some(validator) = &part.validator else {
            return false;
        };
        if is_tag(validator) {
            self.validator() == Some(validator)
                && (same_length || !told)
                && total.or(part.total).is_some()
        } else {
            let date = self
                .exchange
                .head()
                .and_then(|it| it.headers.get(LAST_MODIFIED));
            date == Some(validator) && told && same_length
        }
    }

    /// The next bytes, within the limit on time.
    pub(super) async fn next(&mut self, shared: &Shared) -> Result<Option<Bytes>, Error> {
        match shared.in_time(self.pieces.next()).await {
            Some(Some(Ok(bytes))) => Ok(Some(bytes)),
            Some(Some(Err(error))) => Err(Error::transport(error)),
            Some(None) => Ok(None),
            None => {
                let limit = shared.timeout.as_secs_f64();
                let what = format!("the service sent nothing more for {limit} s");
                Err(Error::new(ErrorKind::Timeout, what))
            }
        }
    }

    /// Adds to an error what the answer's head says. What the local disk does is no concern of the service's.
    pub(super) fn explain(&self, error: Error, now: Timestamp) -> Error {
        let error = error.during(&DOWNLOAD);
        if error.kind() == ErrorKind::Io {
            error
        } else {
            error.seen(&self.exchange, now)
        }
    }

    /// What is said in place of a capture, where the media type says that it is something to read.
    async fn refusal(&mut self, secrets: &Secrets) -> Option<Error> {
        let media_type = self.header(&CONTENT_TYPE)?.to_ascii_lowercase();
        let readable = is_json(media_type.as_bytes())
            || media_type.starts_with("text/")
            || media_type.contains("html");
        if !readable {
            return None;
        }
        let body = beginning(&mut self.pieces).await;
        Some(match Message::in_failure(&body, secrets) {
            Some(messages) => Error::refusal(&DOWNLOAD, self.status(), messages),
            None => Error::undescribed(self.status(), &body).advise("nothing was saved"),
        })
    }

    fn status(&self) -> StatusCode {
        self.exchange.head().map(|it| it.status).unwrap_or_default()
    }

    fn header(&self, name: &HeaderName) -> Option<&str> {
        self.exchange.head()?.headers.get(name)?.to_str().ok()
    }

    fn number(&self, name: &HeaderName) -> Option<u64> {
        self.header(name)?.trim().parse().ok()
    }

    /// What stays the same as long as the file does: an entity tag that is not a weak one; or, where there is none, a
    /// date that was past by a second when it was told (RFC 9110, 8.8.2.2 and 13.1.5).
    fn validator(&self) -> Option<&HeaderValue> {
        let headers = &self.exchange.head()?.headers;
        if let Some(tag) = headers.get(ETAG) {
            return Some(tag).filter(|it| is_tag(it));
        }
        let date = |name| http_date(headers.get(name)?.to_str().ok()?);
        let age = date(DATE)?.duration_since(date(LAST_MODIFIED)?);
        let past = age >= SignedDuration::from_secs(1);
        headers.get(LAST_MODIFIED).filter(|_| past)
    }
}

/// A strong entity tag is in quotes; a weak one begins with `W/`, and a date with the day.
fn is_tag(value: &HeaderValue) -> bool {
    value.as_bytes().starts_with(b"\"")
}

/// Where a range starts, and the length of the whole if it is told: `bytes 5-9/10`.
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, total.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        assert_eq!(content_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(content_range("bytes 5-9/*"), Some((5, None)));
        for odd in [
            "",
            "bytes */10",
            "bytes=5-9/10",
            "lines 5-9/10",
            "bytes 5-9",
        ] {
            assert_eq!(content_range(odd), None, "{odd}");
        }
    }
}
