//! Staying within the service's rate limit.
//!
//! Every answer may say how many requests are left and until when (`Ratelimit`), and how many there are in all
//! (`Ratelimit-Policy`). While there are plenty, nothing is held back. When fewer than a fifth are left, the rest is
//! spread over the time until the limit is lifted. When none is left, nothing is sent until then.
//!
//! Waiting for captures goes by a budget of its own besides: [`Looks`].

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderName};
use sfv::{BareItem, Item, ListEntry, Parser};

use crate::clock::{between, later};

const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The share of the requests that are spent without holding back: all but one in so many.
const SPARED: u64 = 5;
/// Of a limit whose size is not known, so many requests are spread.
const SPARED_OF_UNKNOWN: u64 = 20;
/// How many limits are minded at once. The service has two.
const MOST_LIMITS: usize = 8;

/// What is known of the service's rate limit; shared by all clones of a client.
#[derive(Debug, Default)]
pub(crate) struct Pacer(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    limits: Vec<Limit>,
    /// Requests that were let through and not answered yet.
    under_way: u64,
    /// When the next request may go that has to be spread.
    next: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Limit {
    remaining: u64,
    lifted: Timestamp,
    /// When fewer are left, they are spread.
    spared: u64,
}

/// A request that was let through. It counts as under way until it is dropped.
#[derive(Debug)]
pub(crate) struct Pass<'a>(&'a Pacer);

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.under_way = state.under_way.saturating_sub(1);
    }
}

impl Pacer {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // What it guards is whole after every statement.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long a request has to be held back. It is counted as sent after that, unless that is longer than `most`:
    /// then it must not be sent.
    pub(crate) fn admit(
        &self,
        now: Timestamp,
        most: Duration,
    ) -> Result<(Duration, Pass<'_>), Duration> {
        let mut state = self.lock();
        state.limits.retain(|it| it.lifted > now);
        let scarce = |it: &&Limit| it.remaining > 0 && it.remaining <= it.spared;
        let mut at = now;
        for limit in &state.limits {
            if limit.remaining == 0 {
                at = at.max(limit.lifted);
            }
        }
        if state.limits.iter().any(|it| scarce(&it)) {
            at = at.max(state.next.unwrap_or(now));
        }
        let apart = state.limits.iter().filter(scarce).map(|it| {
            let remaining = u32::try_from(it.remaining).unwrap_or(u32::MAX);
            between(at, it.lifted) / remaining
        });
        let apart = apart.max().unwrap_or_default();
        let pause = between(now, at);
        if pause > most {
            return Err(pause);
        }
        if apart > Duration::ZERO {
            state.next = Some(later(at, apart));
        }
        for limit in &mut state.limits {
            limit.remaining = limit.remaining.saturating_sub(1);
        }
        state.under_way += 1;
        drop(state);
        Ok((pause, Pass(self)))
    }

    /// Learns from an answer's headers.
    pub(crate) fn learn(&self, headers: &HeaderMap, now: Timestamp) {
        if !headers.contains_key(LIMIT) {
            return;
        }
        let policies = items(headers, &POLICY);
        let mut limits = Vec::new();
        for (name, item) in items(headers, &LIMIT).into_iter().take(MOST_LIMITS) {
            let (Some(remaining), Some(seconds)) = (number(&item, "r"), number(&item, "t")) else {
                continue;
            };
            let quota = policies
                .iter()
                .find(|(other, _)| *other == name)
                // The service's documentation shows a limit and a policy of different names.
                .or(policies.first().filter(|_| policies.len() == 1))
                .and_then(|(_, policy)| number(policy, "q"));
            limits.push(Limit {
                remaining,
                lifted: later(now, Duration::from_secs(seconds)),
                spared: quota.map_or(SPARED_OF_UNKNOWN, |it| it / SPARED),
            });
        }
        let mut state = self.lock();
        // This one is answered, and is in the service's count already.
        let others = state.under_way.saturating_sub(1);
        for limit in &mut limits {
            limit.remaining = limit.remaining.saturating_sub(others);
        }
        if limits.iter().all(|it| it.remaining > it.spared) {
            state.next = None;
        }
        state.limits = limits;
    }
}

/// The members of a header that is a list of strings or tokens with parameters (RFC 9651). A header that is not is
/// ignored: it holds nothing that could be relied on.
fn items(headers: &HeaderMap, name: &HeaderName) -> Vec<(String, Item)> {
    let lines: Vec<_> = headers
        .get_all(name)
        .iter()
        .map(reqwest::header::HeaderValue::as_bytes)
        .collect();
    let Ok(list) = Parser::new(&lines.join(&b", "[..])).parse::<sfv::List>() else {
        return Vec::new();
    };
    let entries = list.into_iter().filter_map(|entry| match entry {
        ListEntry::Item(item) => Some(item),
        ListEntry::InnerList(_) => None,
    });
    entries
        .filter_map(|item| {
            let name = match &item.bare_item {
                BareItem::String(it) => it.as_str().to_owned(),
                BareItem::Token(it) => it.as_str().to_owned(),
                _ => return None,
            };
            Some((name, item))
        })
        .collect()
}

/// A parameter that is a number of zero or more.
fn number(item: &Item, name: &str) -> Option<u64> {
    match item.params.get(name)? {
        BareItem::Integer(it) => u64::try_from(i64::from(*it)).ok(),
        _ => None,
    }
}

/// The requests that waits may send: a handful at once, and then one in 300 ms. In any five minutes that is at most
/// 1,020 of the 1,200 that the service takes, and leaves some for everything else.
///
/// Source: Cloudflare's page on rate limits.
#[derive(Debug, Default)]
pub(crate) struct Looks(Mutex<Option<Timestamp>>);

impl Looks {
    const APART: Duration = Duration::from_millis(300);
    const AT_ONCE: u32 = 20;

    /// How long to hold the next look back.
    pub(crate) fn admit(&self, now: Timestamp) -> Duration {
        let mut due = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The time by which all looks so far would have been sent, one by one.
        let sent = due.unwrap_or(now).max(now);
        *due = Some(later(sent, Self::APART));
        between(now, sent).saturating_sub(Self::APART * (Self::AT_ONCE - 1))
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;

    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    fn headers(limit: &str, policy: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(LIMIT, limit.parse().unwrap());
        headers.insert(POLICY, policy.parse().unwrap());
        headers
    }

    /// The pauses of so many requests, each sent and answered after the one before.
    fn pauses(pacer: &Pacer, mut now: Timestamp, requests: usize) -> Vec<u64> {
        let mut pauses = Vec::new();
        for _ in 0..requests {
            let (pause, _pass) = pacer.admit(now, LONG).unwrap();
            now += pause;
            pauses.push(pause.as_secs());
        }
        pauses
    }

    #[test]
    fn plenty_is_not_held_back_and_the_last_fifth_is_spread() {
        let now = Timestamp::UNIX_EPOCH;
        let pacer = Pacer::default();
        assert_eq!(pauses(&pacer, now, 3), [0, 0, 0], "nothing is known yet");
        pacer.learn(
            &headers(r#""default";r=50;t=30"#, r#""burst";q=100;w=60"#),
            now,
        );
        assert_eq!(pauses(&pacer, now, 30), [0; 30]);
        pacer.learn(
            &headers(r#""default";r=10;t=60"#, r#""default";q=100;w=60"#),
            now,
        );
        assert_eq!(pauses(&pacer, now, 10), [0, 6, 6, 6, 6, 6, 6, 6, 6, 6]);
        assert_eq!(
            pacer.admit(now, LONG).unwrap().0.as_secs(),
            60,
            "none is left"
        );
        assert_eq!(
            pacer
                .admit(now, Duration::from_secs(59))
                .unwrap_err()
                .as_secs(),
            60
        );
        assert_eq!(
            pauses(&pacer, now + 60.seconds(), 3),
            [0, 0, 0],
            "it is lifted"
        );
    }

    #[test]
    fn requests_under_way_are_not_counted_as_left() {
        let now = Timestamp::UNIX_EPOCH;
        let pacer = Pacer::default();
        let passes: Vec<_> = (0..5).map(|_| pacer.admit(now, LONG).unwrap()).collect();
        pacer.learn(&headers(r#""default";r=4;t=8"#, ""), now);
        let (pause, _pass) = pacer.admit(now, LONG).unwrap();
        assert_eq!(pause.as_secs(), 8, "the four that are left are under way");
        drop(passes);
    }

    #[test]
    fn headers_that_make_no_sense_are_ignored() {
        let now = Timestamp::UNIX_EPOCH;
        for odd in [
            "",
            "r=0;t=5",
            r#""default""#,
            r#""a";r=-1;t=5"#,
            r#""a";r=0;t="x""#,
            "(1 2);r=0;t=9",
            "\u{7f}",
        ] {
            let pacer = Pacer::default();
            let Ok(value) = odd.parse() else { continue };
            let mut headers = HeaderMap::new();
            headers.insert(LIMIT, value);
            pacer.learn(&headers, now);
            assert_eq!(pauses(&pacer, now, 2), [0, 0], "{odd}");
        }
        let pacer = Pacer::default();
        pacer.learn(&headers(r#""a";r=0;t=999999999999999"#, ""), now);
        assert!(pacer.admit(now, LONG).is_err(), "far, and no overflow");
    }

    #[test]
    fn looks_stay_below_the_services_limit() {
        let looks = Looks::default();
        let start = Timestamp::UNIX_EPOCH;
        let mut now = start;
        let mut sent = Vec::new();
        for _ in 0..5000 {
            now += looks.admit(now);
            sent.push(now);
        }
        for (first, at) in sent.iter().enumerate() {
            let window = sent[first..]
                .iter()
                .take_while(|it| between(*at, **it) < Duration::from_mins(5));
            assert!(window.count() <= 1_020);
        }
        assert_eq!(sent[19], start, "a handful at once");
    }
}
