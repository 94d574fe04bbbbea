//! Staying within the service's rate limit.
//!
//! Every answer may say how many requests are left and until when (`Ratelimit`), and how many there are in all
//! (`Ratelimit-Policy`). While there are plenty, nothing is held back. When fewer than a fifth are left, the rest is
//! spread over the time until the limit is lifted. When none is left, nothing is sent until then.
//!
//! Waiting for captures goes by a budget of its own besides: [`Looks`].

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
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
/// The service's longest window is five minutes: what claims to last longer than this is no number of seconds.
const LONGEST_WINDOW: Duration = Duration::from_hours(1);

/// What is known of the service's rate limit; shared by all clones of a client.
#[derive(Debug, Default)]
pub(crate) struct Pacer(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    limits: Vec<Limit>,
    /// Until when nothing may go: the service has turned a request away.
    blocked: Option<Timestamp>,
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
    /// How many there are when it has been lifted, and for how long, if that is known.
    policy: Option<(u64, Duration)>,
}

impl Limit {
    fn is_scarce(&self) -> bool {
        self.remaining > 0 && self.remaining <= self.spared
    }

    /// What becomes of it once it has been lifted.
    fn renewed(&self, now: Timestamp) -> Option<Self> {
        let (quota, window) = self.policy?;
        Some(Self {
            remaining: quota,
            lifted: later(now, window),
            spared: self.spared,
            // Only once: a limit that is not told of again may not be there any more.
            policy: None,
        })
    }
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
    fn lock(&self) -> MutexGuard<'_, State> {
        // What it guards is whole after every statement.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a request through, or says after how long to ask again.
    pub(crate) fn admit(&self, now: Timestamp) -> Result<Pass<'_>, Duration> {
        let mut state = self.lock();
        let limits = std::mem::take(&mut state.limits).into_iter();
        state.limits = limits
            .filter_map(|it| {
                if it.lifted > now {
                    Some(it)
                } else {
                    it.renewed(now)
                }
            })
            .collect();
        let exhausted = state.limits.iter().filter(|it| it.remaining == 0);
        let exhausted = exhausted.map(|it| it.lifted).chain(state.blocked);
        let mut at = exhausted.max().unwrap_or(now);
        let scarce = || state.limits.iter().filter(|it| it.is_scarce());
        let apart = scarce().map(|it| {
            let remaining = u32::try_from(it.remaining).unwrap_or(u32::MAX);
            between(now, it.lifted) / remaining
        });
        let apart = apart.max();
        if let (Some(next), Some(_)) = (state.next, apart) {
            at = at.max(next);
        }
        if at > now {
            return Err(between(now, at));
        }
        state.next = apart.map(|it| later(now, it));
        for limit in &mut state.limits {
            limit.remaining = limit.remaining.saturating_sub(1);
        }
        state.under_way += 1;
        drop(state);
        Ok(Pass(self))
    }

    /// Lets nothing through until then: the service has said so.
    pub(crate) fn block(&self, lifted: Timestamp, now: Timestamp) {
        if between(now, lifted) <= LONGEST_WINDOW {
            let mut state = self.lock();
            state.blocked = state.blocked.max(Some(lifted));
        }
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
            let left = Duration::from_secs(seconds);
            if left > LONGEST_WINDOW {
                continue;
            }
            let policy = policies
                .iter()
                .find(|(other, _)| *other == name)
                // The service's documentation shows a limit and a policy of different names.
                .or(policies.first().filter(|_| policies.len() == 1))
                .map(|(_, it)| it);
            let quota = policy.and_then(|it| number(it, "q"));
            let quota = quota.filter(|it| *it > 0);
            let window = policy
                .and_then(|it| number(it, "w"))
                .map(Duration::from_secs);
            limits.push(Limit {
                remaining,
                lifted: later(now, left),
                spared: quota.map_or(SPARED_OF_UNKNOWN, |it| it / SPARED),
                policy: quota.zip(window.filter(|it| *it <= LONGEST_WINDOW)),
            });
        }
        let mut state = self.lock();
        // This one is answered, and is in the service's count already.
        let others = state.under_way.saturating_sub(1);
        for limit in &mut limits {
            limit.remaining = limit.remaining.saturating_sub(others);
        }
        let scarce = limits.iter().filter(|it| it.is_scarce());
        let end = scarce.map(|it| it.lifted).max();
        state.next = state.next.zip(end).map(|(next, end)| next.min(end));
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

/// A look that may be sent after a pause. One that is dropped before gives its turn back.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    looks: &'a Looks,
    pub(crate) pause: Duration,
    /// When the next look would be due.
    end: Timestamp,
    taken: bool,
}

impl Looks {
    const APART: Duration = Duration::from_millis(300);
    const AT_ONCE: u32 = 20;

    fn lock(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next look.
    pub(crate) fn next(&self, now: Timestamp) -> Turn<'_> {
        let mut due = self.lock();
        // The time by which all looks so far would have been sent, one by one.
        let sent = due.unwrap_or(now).max(now);
        let end = later(sent, Self::APART);
        *due = Some(end);
        Turn {
            looks: self,
            end,
            pause: between(now, sent).saturating_sub(Self::APART * (Self::AT_ONCE - 1)),
            taken: false,
        }
    }
}

impl Turn<'_> {
    /// It is sent.
    pub(crate) fn take(mut self) {
        self.taken = true;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut due = self.looks.lock();
        // Nobody has come after it. Otherwise it lapses: it stands between others.
        if !self.taken && *due == Some(self.end) {
            *due = self.end.checked_sub(Looks::APART).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;

    use super::*;

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
            let pause = pacer.admit(now).err().unwrap_or_default();
            now += pause;
            if !pause.is_zero() {
                pacer.admit(now).unwrap();
            }
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
        assert_eq!(pacer.admit(now).unwrap_err().as_secs(), 60, "none is left");
        let lifted = now + 60.seconds();
        // There are a hundred again, of which the last twenty are spread.
        assert_eq!(pauses(&pacer, lifted, 83)[79..], [0, 0, 3, 3]);
    }

    #[test]
    fn requests_under_way_are_not_counted_as_left() {
        let now = Timestamp::UNIX_EPOCH;
        let pacer = Pacer::default();
        let passes: Vec<_> = (0..5).map(|_| pacer.admit(now).unwrap()).collect();
        pacer.learn(&headers(r#""default";r=4;t=8"#, ""), now);
        let pause = pacer.admit(now).unwrap_err();
        assert_eq!(pause.as_secs(), 8, "the four that are left are under way");
        drop(passes);
    }

    #[test]
    fn a_window_that_has_been_replaced_is_forgotten() {
        let now = Timestamp::UNIX_EPOCH;
        let pacer = Pacer::default();
        pacer.learn(&headers(r#""default";r=1;t=300"#, ""), now);
        pacer.admit(now).unwrap();
        pacer.learn(&headers(r#""default";r=15;t=10"#, ""), now);
        assert!(pacer.admit(now).unwrap_err() <= Duration::from_secs(10));
        pacer.block(now + 30.seconds(), now);
        assert_eq!(pacer.admit(now).unwrap_err().as_secs(), 30);
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
            // A time of day, not a number of seconds.
            r#""a";r=0;t=1767323045"#,
            r#""a";r=0;t=999999999999999"#,
        ] {
            let pacer = Pacer::default();
            let Ok(value) = odd.parse() else { continue };
            let mut headers = HeaderMap::new();
            headers.insert(LIMIT, value);
            pacer.learn(&headers, now);
            assert_eq!(pauses(&pacer, now, 2), [0, 0], "{odd}");
        }
        let pacer = Pacer::default();
        pacer.block(Timestamp::MAX, now);
        assert_eq!(pauses(&pacer, now, 1), [0]);
    }

    #[test]
    fn looks_stay_below_the_services_limit() {
        let looks = Looks::default();
        let start = Timestamp::UNIX_EPOCH;
        let mut now = start;
        let mut sent = Vec::new();
        for _ in 0..5000 {
            let turn = looks.next(now);
            now += turn.pause;
            turn.take();
            sent.push(now);
        }
        for (first, at) in sent.iter().enumerate() {
            let window = sent[first..]
                .iter()
                .take_while(|it| between(*at, **it) < Duration::from_mins(5));
            assert!(window.count() <= 1_020);
        }
        assert_eq!(sent[19], start, "a handful at once");
        for _ in 0..1000 {
            drop(looks.next(now));
        }
        assert!(
            looks.next(now).pause <= Duration::from_millis(600),
            "given back"
        );
    }
}
