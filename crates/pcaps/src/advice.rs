//! What to do about what the service answered.

use std::{borrow::Cow, ops::RangeInclusive};

use pcaps_api::limits::{full_capture_request as full, simple_capture_request as sample};
use reqwest::StatusCode;

use crate::{
    Message,
    operation::{DOWNLOAD, Operation, START},
};

/// What to do when an operation was answered with this status, and what the service said.
pub(crate) fn on(
    operation: &Operation,
    status: StatusCode,
    messages: &[Message],
) -> Option<Cow<'static, str>> {
    let advice = match status.as_u16() {
        401 => "check the API token, or the global key and its e-mail address",
        403 if operation.writes() => {
            "the token needs the permission \"Magic Firewall Packet Captures - Write PCAPs API\" on this account"
        }
        403 => {
            "the token needs the permission \"Magic Firewall Packet Captures - Read PCAPs API\" on this account"
        }
        404 if operation == &DOWNLOAD => {
            "check the id and the account; a full capture's files are in its bucket"
        }
        404 => "check the id and the account",
        429 => "the service takes one sample a minute, and 1,200 requests in five minutes",
        500.. => "try again in a moment",
        200..500 if operation == &DOWNLOAD => {
            "only a finished sample can be downloaded: a full capture's files are in its bucket"
        }
        200..500 if operation == &START && messages.iter().any(is_of_bucket) => {
            "a full capture needs a bucket that is proven to be yours: `pcaps bucket prove URI`"
        }
        400 | 422 if operation == &START => return Some(limits().into()),
        _ => return None,
    };
    Some(advice.into())
}

/// Whether a message is about the bucket of a capture. Its code is not documented.
fn is_of_bucket(message: &Message) -> bool {
    let text = message.text.to_lowercase();
    let pointer = message.pointer.as_deref().unwrap_or_default();
    pointer.ends_with("/destination_conf")
        || ["bucket", "destination_conf", "ownership"]
            .iter()
            .any(|it| text.contains(it))
}

/// What a capture may be asked to be.
fn limits() -> String {
    let range = |range: RangeInclusive<i64>| format!("{} to {}", range.start(), range.end());
    format!(
        "the limits: {} s and {} packets of a sample, {} s, {} packets and {} bytes of a full capture",
        range(sample::TIME_LIMIT),
        range(sample::PACKET_LIMIT),
        range(full::TIME_LIMIT),
        range(full::PACKET_LIMIT),
        range(full::BYTE_LIMIT),
    )
}
