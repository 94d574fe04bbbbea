//! Requests for captures.

use std::net::IpAddr;

use jiff::Timestamp;
use pcaps_api::{
    CaptureRequest,
    limits::{filter, full_capture_request as full, simple_capture_request as simple},
};
use serde_json::{Map, Value};

use super::{Form, FullOrder, Need, Order, SampleOrder, decode, destination};
use crate::{
    capture::Criteria,
    clock::shift,
    colos::Colos,
    destination::Purpose,
    server::{Failure, code},
};

/// How far back a sample may look from, in seconds.
const DAY: i64 = 24 * 60 * 60;

/// How far a caller's clock may be off, in seconds.
const SKEW: i64 = 5;

/// Checks the body of a request for a capture.
pub(crate) fn order(
    fields: Map<String, Value>,
    colos: &Colos,
    now: Timestamp,
) -> Result<Order, Failure> {
    let mut form = Form::new(&fields);
    let kind = match form.text("type", Need::Required) {
        Some(kind @ ("simple" | "full")) => Some(kind),
        Some(_) => {
            form.refuse(
                "type",
                code::VALUE,
                "`type` must be `simple` or `full`".into(),
            );
            None
        }
        None => None,
    };
    // Which other fields there are depends on it.
    let Some(kind) = kind else {
        return form.finish(None);
    };
    let system = form.text("system", Need::Required);
    if system.is_some_and(|it| it != "magic-transit") {
        let message = "`system` must be `magic-transit`";
        form.refuse("system", code::VALUE, message.into());
    }
    let criteria = criteria(&mut form);
    if kind == "simple" {
        form.integer("time_limit", &simple::TIME_LIMIT, Need::Required);
        form.integer("packet_limit", &simple::PACKET_LIMIT, Need::Required);
        let until = offset_time(&mut form, now);
        let (criteria, until) = form.finish(Some((criteria, until)))?;
        match decode(fields)? {
            CaptureRequest::Simple(request) => Ok(Order::Sample(SampleOrder {
                request,
                criteria,
                until,
            })),
            CaptureRequest::Full(_) => Err(changed()),
        }
    } else {
        form.integer("time_limit", &full::TIME_LIMIT, Need::Required);
        form.integer("packet_limit", &full::PACKET_LIMIT, Need::Optional);
        form.integer("byte_limit", &full::BYTE_LIMIT, Need::Optional);
        colo(&mut form, colos);
        let destination = destination(&mut form, Purpose::Refer);
        let destination = form.finish(destination)?;
        match decode(fields)? {
            CaptureRequest::Full(request) => Ok(Order::Full(FullOrder {
                request,
                criteria,
                destination,
            })),
            CaptureRequest::Simple(_) => Err(changed()),
        }
    }
}

/// What cannot be: a body that is of one type when checked and of another when decoded.
fn changed() -> Failure {
    Failure::internal("the request was not decoded as it was checked")
}

fn criteria(form: &mut Form<'_>) -> Criteria {
    let Some(fields) = form.object("filter_v1", Need::Optional) else {
        return Criteria::default();
    };
    let mut inner = Form::within(fields, "/filter_v1");
    let criteria = Criteria {
        source: address(&mut inner, "source_address"),
        destination: address(&mut inner, "destination_address"),
        source_port: port(&mut inner, "source_port", &filter::SOURCE_PORT),
        destination_port: port(&mut inner, "destination_port", &filter::DESTINATION_PORT),
        protocol: inner
            .integer("protocol", &filter::PROTOCOL, Need::Optional)
            .and_then(|it| u8::try_from(it).ok()),
    };
    form.absorb(inner);
    criteria
}

fn address(form: &mut Form<'_>, name: &str) -> Option<IpAddr> {
    let address = form.text(name, Need::Optional)?.parse::<IpAddr>();
    if address.is_err() {
        let message = format!("`{name}` must be an IP address, without a prefix length");
        form.refuse(name, code::VALUE, message);
    }
    address.ok().map(|it| it.to_canonical())
}

fn port(form: &mut Form<'_>, name: &str, range: &std::ops::RangeInclusive<i64>) -> Option<u16> {
    let port = form.integer(name, range, Need::Optional)?;
    u16::try_from(port).ok()
}

fn colo(form: &mut Form<'_>, colos: &Colos) {
    const NAME: &str = "colo_name";
    let Some(colo) = form.text(NAME, Need::Required) else {
        return;
    };
    if !colos.have(colo) {
        let message = format!(
            "`{NAME}` must be the name of a data centre or of a place that has some: {}",
            colos.examples()
        );
        form.refuse(NAME, code::VALUE, message);
    }
}

/// The moment from which to look back.
fn offset_time(form: &mut Form<'_>, now: Timestamp) -> Timestamp {
    const NAME: &str = "offset_time";
    let Some(text) = form.text(NAME, Need::Optional) else {
        return now;
    };
    let refusal = match rfc3339(text) {
        None => "must be a moment as in RFC 3339: `2022-06-02T18:38:22Z`",
        Some(moment) if moment > shift(now, SKEW) => "must not be in the future",
        Some(moment) if moment < shift(now, -DAY - SKEW) => "must be within the last 24 hours",
        Some(moment) => return moment.min(now),
    };
    let code = if rfc3339(text).is_some() {
        code::RANGE
    } else {
        code::VALUE
    };
    form.refuse(NAME, code, format!("`{NAME}` {refusal}"));
    now
}

/// A moment as in RFC 3339, which is stricter than what jiff reads.
fn rfc3339(text: &str) -> Option<Timestamp> {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00";
    let (moment, rest) = text.as_bytes().split_at_checked(SHAPE.len())?;
    let fits = |(shape, byte): (&u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        shape => byte.eq_ignore_ascii_case(shape),
    };
    let offset = match rest {
        [b'.', digits @ ..] => {
            let digits_len = digits.iter().take_while(|it| it.is_ascii_digit()).count();
            digits.get(digits_len..).filter(|_| digits_len > 0)?
        }
        rest => rest,
    };
    let is_offset = match offset {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', offset @ ..] => offset.len() == 5 && b"00:00".iter().zip(offset).all(fits),
        _ => false,
    };
    if SHAPE.iter().zip(moment).all(fits) && is_offset {
        text.parse().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_rfc_3339_are_read() {
        for text in [
            "2022-06-02T18:38:22Z",
            "2022-06-02t18:38:22z",
            "2022-06-02T18:38:22.269047Z",
            "2022-06-02T18:38:22.1+05:30",
            "2022-06-02T18:38:22-00:00",
        ] {
            assert!(rfc3339(text).is_some(), "{text}");
        }
    }

    #[test]
    fn other_texts_are_not_moments() {
        for text in [
            "",
            "now",
            "2022-06-02",
            "2022-06-02T18:38:22",
            "2022-06-02 18:38:22Z",
            "2022-06-02T18:38Z",
            "2022-06-02T18:38:22.Z",
            "2022-06-02T18:38:22+0530",
            "2022-06-02T18:38:22+05",
            "2022-06-02T18:38:22Z[UTC]",
            "2022-13-02T18:38:22Z",
            "2022-06-02T25:38:22Z",
            "+002022-06-02T18:38:22Z",
            "1654195102",
            "2022-06-02T18:38:22é",
            "2022-06-02T18:38:2éZ",
        ] {
            assert_eq!(rfc3339(text), None, "{text}");
        }
    }
}
