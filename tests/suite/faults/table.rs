//! The faults, and what they mean.

use std::time::Duration;

use pcaps::ErrorKind;
use pcaps_sim::faults::{Delivery, Fault, Framing, Place};

use crate::secrets::{KEY, KEY_ID};

pub(super) struct Case {
    pub(super) name: String,
    fault: Fault,
    pub(super) meaning: Meaning,
    /// Whether what was asked for happens all the same.
    pub(super) takes_effect: bool,
}

/// What a fault means to a client.
#[derive(Clone, Copy, Debug)]
pub(super) enum Meaning {
    /// The answer is good.
    Harmless,
    /// It happens once, and the service asks for a pause of so long.
    Passing {
        kind: ErrorKind,
        asked: Duration,
    },
    /// It happens once, in the body of a good answer.
    InBody(ErrorKind),
    /// It happens each time, and is given up after so many attempts.
    Lasting {
        kind: ErrorKind,
        attempts: usize,
        asked: Duration,
    },
    /// The service does not want to, once and for all.
    Refused(ErrorKind),
    /// The body is shorter than it is said to be, or longer.
    TooShort,
    TooLong,
    /// A good answer under a media type that is not its own.
    MediaType,
    /// A success without a result.
    NoResult,
    /// A success whose result is of another shape.
    OddResult,
    /// What came is not what the service is described to send.
    Odd,
}

impl Case {
    pub(super) fn asked_too_long(&self) -> bool {
        matches!(self.meaning, Meaning::Refused(ErrorKind::RateLimited))
    }

    /// The fault, which leads elsewhere if it is a redirect.
    pub(super) fn fault(&self, elsewhere: String) -> Fault {
        let fault = self.fault.clone();
        if self.name.starts_with("a redirect") {
            fault.header("location", elsewhere)
        } else {
            fault
        }
    }

    pub(super) fn lasts(&self) -> bool {
        matches!(self.meaning, Meaning::Lasting { .. })
    }
}

const JSON: &str = "application/json";
const PAGE: &str = "<html><body>Bad gateway</body></html>";

/// A failure in the service's form, with keys in what it says.
fn failure() -> String {
    format!(
        r#"{{"success": false, "errors": [{{"code": 1001, "message": "no r2://b?access-key-id={KEY_ID}&secret-access-key={KEY} here"}}],
            "messages": [], "result": null}}"#
    )
}

const BROKEN: ErrorKind = ErrorKind::Connection;
const LATE: ErrorKind = ErrorKind::Timeout;
const LIMITED: ErrorKind = ErrorKind::RateLimited;

pub(super) fn cases() -> Vec<Case> {
    let mut table = Table(Vec::new());
    table.statuses_that_pass();
    table.too_many_requests();
    table.broken_deliveries();
    table.failures_that_last();
    table.refusals();
    table.odd_successes();
    table.framings();
    table.0
}

fn passing(kind: ErrorKind, seconds: u64) -> Meaning {
    Meaning::Passing {
        kind,
        asked: Duration::from_secs(seconds),
    }
}

fn lasting(kind: ErrorKind, attempts: usize, seconds: u64) -> Meaning {
    Meaning::Lasting {
        kind,
        attempts,
        asked: Duration::from_secs(seconds),
    }
}

/// Too many requests, and nothing happened.
fn busy() -> Fault {
    Fault::answer(429, JSON, failure()).unseen()
}

struct Table(Vec<Case>);

impl Table {
    /// A fault of a request that has its effect all the same.
    fn add(&mut self, name: &str, fault: impl Into<Fault>, meaning: Meaning) {
        let (name, fault) = (name.to_owned(), fault.into());
        self.0.push(Case {
            name,
            fault,
            meaning,
            takes_effect: true,
        });
    }

    /// A fault of a request that has no effect.
    fn add_unseen(&mut self, name: &str, fault: impl Into<Fault>, meaning: Meaning) {
        let (name, fault) = (name.to_owned(), fault.into().unseen());
        self.0.push(Case {
            name,
            fault,
            meaning,
            takes_effect: false,
        });
    }

    fn add_both(&mut self, name: &str, fault: Fault, meaning: Meaning) {
        self.add(
            &format!("{name}, and it had its effect"),
            fault.clone(),
            meaning,
        );
        self.add_unseen(&format!("{name}, and it had no effect"), fault, meaning);
    }

    fn statuses_that_pass(&mut self) {
        let failing = |status| Fault::answer(status, JSON, failure());
        self.add_both("408", failing(408), passing(LATE, 0));
        let service = ErrorKind::Service;
        self.add_both("500", failing(500), passing(service, 0));
        self.add_both(
            "502",
            Fault::answer(502, "text/html", PAGE),
            passing(service, 0),
        );
        self.add_both(
            "503",
            failing(503).header("retry-after", "5"),
            passing(service, 5),
        );
        self.add_both("504", Fault::answer(504, "", ""), passing(service, 0));
        self.add_both("522", failing(522), passing(service, 0));
    }

    fn too_many_requests(&mut self) {
        self.add_unseen("429", busy(), passing(LIMITED, 0));
        let after = |value: &str| busy().header("retry-after", value);
        self.add_unseen("429 and Retry-After", after("7"), passing(LIMITED, 7));
        // The service's clock is two hours ahead.
        let dated =
            after("Fri, 02 Jan 2026 05:04:14 GMT").header("date", "Fri, 02 Jan 2026 05:04:05 GMT");
        self.add_unseen(
            "429 and a date by the service's clock",
            dated,
            passing(LIMITED, 9),
        );
        let dated = after("Fri, 02 Jan 2026 03:04:15 GMT");
        self.add_unseen("429 and a date", dated, passing(LIMITED, 10));
        self.add_unseen("429 and no end", after("120"), Meaning::Refused(LIMITED));
    }

    fn broken_deliveries(&mut self) {
        for (what, delivery, kind) in [
            ("reset", Delivery::Reset as fn(Place) -> Delivery, BROKEN),
            ("closed", Delivery::Close, BROKEN),
            ("stalled", Delivery::Stall, LATE),
        ] {
            let before = delivery(Place::BeforeHead);
            self.add_both(
                &format!("{what} before the head"),
                before.into(),
                passing(kind, 0),
            );
            let in_head = delivery(Place::Head(20));
            self.add(&format!("{what} in the head"), in_head, passing(kind, 0));
            for place in [0, 1, 37] {
                let name = format!("{what} in the body after {place}");
                self.add(&name, delivery(Place::Body(place)), Meaning::InBody(kind));
            }
        }
    }

    fn failures_that_last(&mut self) {
        let failing = Fault::answer(500, JSON, failure());
        self.add("500 each time", failing, lasting(ErrorKind::Service, 4, 0));
        let busy = busy().header("retry-after", "30");
        self.add_unseen("429 each time", busy, lasting(LIMITED, 4, 30));
        let reset = Delivery::Reset(Place::BeforeHead);
        self.add("reset each time", reset, lasting(BROKEN, 4, 0));
        // Two of them are two minutes.
        let stall = Delivery::Stall(Place::BeforeHead);
        self.add("stalled each time", stall, lasting(LATE, 2, 0));
    }

    fn refusals(&mut self) {
        for (status, kind) in [
            (400, ErrorKind::Refused),
            (401, ErrorKind::Authentication),
            (403, ErrorKind::Permission),
            (404, ErrorKind::NotFound),
            (409, ErrorKind::Refused),
            (200, ErrorKind::Refused),
        ] {
            let fault = Fault::answer(status, JSON, failure());
            let name = format!("a failure under {status}");
            self.add_unseen(&name, fault, Meaning::Refused(kind));
        }
        let page = Fault::answer(403, "text/html", PAGE);
        self.add_unseen(
            "a page under 403",
            page,
            Meaning::Refused(ErrorKind::Permission),
        );
        for status in [301, 302, 307, 308] {
            let fault = Fault::answer(status, "text/html", PAGE);
            let meaning = Meaning::Refused(ErrorKind::UnexpectedResponse);
            self.add_unseen(&format!("a redirect by {status}"), fault, meaning);
        }
    }

    fn odd_successes(&mut self) {
        let half = r#"{"success": true, "result": {"id": "0"#;
        for (what, media_type, body) in [
            ("a page", "text/html", PAGE),
            ("half an answer", JSON, half),
            ("nothing", JSON, ""),
            ("an empty object", JSON, "{}"),
            ("an array", JSON, "[]"),
        ] {
            let fault = Fault::answer(200, media_type, body);
            self.add_both(&format!("{what} under 200"), fault, Meaning::Odd);
        }
        let other = r#"{"success": true, "result": 7}"#;
        let other = Fault::answer(200, JSON, other);
        self.add("an answer of another shape", other, Meaning::OddResult);
        let nothing = r#"{"success": true, "errors": [], "messages": [], "result": null}"#;
        self.add(
            "no result",
            Fault::answer(200, JSON, nothing),
            Meaning::NoResult,
        );
        let other = Fault::default().header("content-type", "text/html");
        self.add("another media type", other, Meaning::MediaType);
    }

    fn framings(&mut self) {
        self.add("one byte at a time", Delivery::Trickle, Meaning::Harmless);
        self.add("chunks", Framing::Chunked, Meaning::Harmless);
        self.add(
            "a body that ends with the connection",
            Framing::UntilClosed,
            Meaning::Harmless,
        );
        self.add(
            "bytes after the end",
            Delivery::Excess(100),
            Meaning::Harmless,
        );
        let (much, little) = (Framing::Claimed(1 << 20), Framing::Claimed(30));
        self.add(
            "a body shorter than it is said to be",
            much,
            Meaning::TooShort,
        );
        self.add(
            "a body longer than it is said to be",
            little,
            Meaning::TooLong,
        );
    }
}
