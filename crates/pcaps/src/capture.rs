//! A capture, as the service tells of it.

use std::{fmt, sync::Arc, time::Duration};

use jiff::Timestamp;
use pcaps_api::{Capture as Wire, CaptureStatus, Secret, types};
use serde::{Serialize, Serializer};

use crate::{CaptureId, Destination, Filter, redact};

/// A capture, as the service told of it at one moment. Cheap to clone.
///
/// It comes from [`Account::start`](crate::Account::start), [`Account::get`](crate::Account::get),
/// [`Account::list`](crate::Account::list) and [`Account::wait`](crate::Account::wait), and does not change afterwards.
/// The service promises no field: what it does not tell, or what the other type of capture has, is `None`.
///
/// ```no_run
/// # async fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
/// use pcaps::{CaptureKind, CaptureState};
///
/// let captures = account.list().await?;
/// let sample = captures
///     .iter()
///     .find(|it| it.kind() == CaptureKind::Sample && it.state() == CaptureState::Ready);
/// if let Some(sample) = sample {
///     account.download(sample.id()).to_path("latest.pcap").await?;
/// }
/// # Ok(())
/// # }
/// ```
///
/// It serializes as JSON of the service's own shape, fields that this version knows nothing of included, with two
/// differences: keys in a bucket's URI are replaced by `REDACTED`, and the data centre of a full capture is
/// `colo_name`.
#[derive(Clone)]
pub struct Capture {
    id: CaptureId,
    wire: Arc<Wire>,
}

/// Which type of capture it is.
///
/// ```
/// use pcaps::CaptureKind;
///
/// assert_eq!(CaptureKind::Sample.as_str(), "sample");
/// assert_eq!(CaptureKind::Other("partial".into()).as_str(), "partial");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CaptureKind {
    /// A sample of traffic that has already passed: `simple` on the wire.
    Sample,
    /// A capture of new packets into a bucket: `full` on the wire.
    Full,
    /// A type that this version does not know, by its name on the wire (empty when there is none); also one that it
    /// knows (`simple`, `full`), when a field is not of the form that it should have.
    Other(String),
}

impl CaptureKind {
    /// The name that a person reads: `sample`, `full`, or the service's own.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Sample => "sample",
            Self::Full => "full",
            Self::Other(name) => name,
        }
    }
}

/// How far a capture is, as far as waiting for it goes: [`Capture::state`].
///
/// There are no more than these three, whatever statuses the service adds: each is one of them to who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CaptureState {
    /// Not finished: pending, running, being converted, or at a status that this version does not know.
    InProgress,
    /// Finished: its packets can be had.
    Ready,
    /// Finished without a result.
    Failed,
}

impl CaptureState {
    /// The state that a status on the wire stands for.
    ///
    /// `success` and `complete` are ready, `failed` has failed, and everything else, values that the service may add
    /// included, is in progress. (The service documents `success`; what `complete` means is not documented.)
    ///
    /// ```
    /// use pcaps::CaptureState;
    ///
    /// assert_eq!(CaptureState::of("success"), CaptureState::Ready);
    /// assert_eq!(CaptureState::of("a status from the future"), CaptureState::InProgress);
    /// ```
    pub fn of(status: &str) -> Self {
        match status {
            "success" | "complete" => Self::Ready,
            "failed" => Self::Failed,
            _ => Self::InProgress,
        }
    }
}

/// One field of whichever type the capture is; absent where it is of neither.
macro_rules! field {
    ($capture:expr, $field:ident) => {
        match &*$capture.wire {
            Wire::Simple(it) => it.$field.as_ref(),
            Wire::Full(it) => it.$field.as_ref(),
            _ => None,
        }
    };
}

impl Capture {
    pub(crate) fn new(wire: Wire) -> Self {
        let id = match &wire {
            Wire::Simple(it) => it.id.clone(),
            Wire::Full(it) => it.id.clone(),
            Wire::Other(it) => it["id"].as_str().map(str::to_owned),
            _ => None,
        };
        Self {
            id: CaptureId::given(id),
            wire: Arc::new(wire),
        }
    }

    /// Its id. Empty in the odd case that the service gave none; using it is an error then.
    pub fn id(&self) -> &CaptureId {
        &self.id
    }

    /// Its type.
    pub fn kind(&self) -> CaptureKind {
        match &*self.wire {
            Wire::Simple(_) => CaptureKind::Sample,
            Wire::Full(_) => CaptureKind::Full,
            Wire::Other(it) => {
                CaptureKind::Other(it["type"].as_str().unwrap_or_default().to_owned())
            }
            _ => CaptureKind::Other(String::new()),
        }
    }

    /// Its status as the service gave it; empty when it gave none. [`state`](Self::state) says what it means.
    ///
    /// The service documents `unknown`, `pending`, `running`, `conversion_pending`, `conversion_running`, `complete`,
    /// `success` and `failed`. Source: Cloudflare's API reference.
    pub fn status(&self) -> &str {
        match &*self.wire {
            Wire::Other(it) => it["status"].as_str().unwrap_or_default(),
            _ => field!(self, status)
                .map(CaptureStatus::as_str)
                .unwrap_or_default(),
        }
    }

    /// Whether its status is one that the service documents. One that it does not counts as in progress.
    pub fn is_status_known(&self) -> bool {
        let status = serde_json::from_value(self.status().into());
        !matches!(status, Ok(CaptureStatus::Other(_)) | Err(_))
    }

    /// What its status means for somebody who waits.
    pub fn state(&self) -> CaptureState {
        CaptureState::of(self.status())
    }

    /// When it was submitted, by the service's clock.
    pub fn submitted(&self) -> Option<Timestamp> {
        timestamp(field!(self, submitted))
    }

    /// Its time limit, in whole seconds: how far a sample looks back, or how long a full capture runs at most.
    pub fn time_limit(&self) -> Option<Duration> {
        field!(self, time_limit)
            .and_then(|it| u64::try_from(*it).ok())
            .map(Duration::from_secs)
    }

    /// Its packet limit, where the service tells it.
    pub fn packet_limit(&self) -> Option<u64> {
        field!(self, packet_limit).and_then(|it| u64::try_from(*it).ok())
    }

    /// For how many more packets the limit of a sample leaves room, where the service tells it.
    pub fn packets_remaining(&self) -> Option<u64> {
        match &*self.wire {
            Wire::Simple(it) => it.packets_remaining.and_then(|it| u64::try_from(it).ok()),
            _ => None,
        }
    }

    /// Which packets it takes: the empty filter when it takes every packet, and `None` when the service tells of a
    /// filter that a [`Filter`] cannot express.
    pub fn filter(&self) -> Option<Filter> {
        match &*self.wire {
            Wire::Simple(types::SimpleCapture { filter_v1, .. })
            | Wire::Full(types::FullCapture { filter_v1, .. }) => match filter_v1 {
                None => Some(Filter::default()),
                Some(filter) => Filter::from_api(filter),
            },
            _ => None,
        }
    }

    /// The moment that a sample looks back from, when it is not the moment of submission.
    pub fn ending_at(&self) -> Option<Timestamp> {
        match &*self.wire {
            Wire::Simple(it) => timestamp(it.offset_time.as_ref()),
            _ => None,
        }
    }

    /// The data centre of a full capture.
    pub fn colo(&self) -> Option<&str> {
        let full = self.full()?;
        let names = [full.colo_name.as_deref(), full.colo.as_deref()];
        names.into_iter().flatten().find(|it| !it.is_empty())
    }

    /// The URI of a full capture's bucket, with `REDACTED` in place of keys.
    pub fn destination(&self) -> Option<String> {
        self.full()?
            .destination_conf
            .as_ref()
            .map(|it| redact::redacted(it.expose()))
    }

    /// The bucket of a full capture, with the keys that the service repeats.
    pub(crate) fn bucket(&self) -> Option<Destination> {
        self.full()?
            .destination_conf
            .as_ref()?
            .expose()
            .parse()
            .ok()
    }

    /// The byte limit of a full capture.
    pub fn byte_limit(&self) -> Option<u64> {
        self.full()?
            .byte_limit
            .and_then(|it| u64::try_from(it).ok())
    }

    /// How many packets a full capture has taken so far.
    pub fn packets_captured(&self) -> Option<u64> {
        self.full()?
            .packets_captured
            .and_then(|it| u64::try_from(it).ok())
    }

    /// When a full capture was asked to stop.
    pub fn stop_requested(&self) -> Option<Timestamp> {
        timestamp(self.full()?.stop_requested.as_ref())
    }

    /// Why a full capture failed, free of keys.
    pub fn error_message(&self) -> Option<String> {
        self.full()?
            .error_message
            .as_ref()
            .map(Secret::expose)
            .filter(|it| !it.is_empty())
            .map(redact::redacted)
    }

    fn full(&self) -> Option<&types::FullCapture> {
        match &*self.wire {
            Wire::Full(full) => Some(full),
            _ => None,
        }
    }
}

/// An empty string stands for no timestamp; one that does not parse is not worth an error.
pub(crate) fn timestamp(text: Option<&String>) -> Option<Timestamp> {
    text.and_then(|it| it.parse().ok())
}

impl Serialize for Capture {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut json = serde_json::to_value(&*self.wire).map_err(serde::ser::Error::custom)?;
        redact::json(&mut json);
        if let (Some(object), Some(colo)) = (json.as_object_mut(), self.colo())
            && object.get("colo").is_some_and(|it| it == colo)
        {
            object.remove("colo");
            object.insert("colo_name".to_owned(), colo.into());
        }
        json.serialize(serializer)
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for Capture {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Capture".into()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        concat!(module_path!(), "::Capture").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Wire::json_schema(generator)
    }
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        write!(f, "Capture({json})")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn capture(value: Value) -> Capture {
        Capture::new(serde_json::from_value(value).unwrap())
    }

    #[test]
    fn both_names_of_the_data_centre_are_one() {
        let old = capture(json!({"type": "full", "colo": "ord02"}));
        let new = capture(json!({"type": "full", "colo_name": "ord02"}));
        assert_eq!(old.colo(), Some("ord02"));
        let both = capture(json!({"type": "full", "colo_name": "", "colo": "ord02"}));
        assert_eq!(both.colo(), Some("ord02"));
        assert_eq!(
            serde_json::to_value(old).unwrap(),
            serde_json::to_value(new).unwrap()
        );
    }

    #[test]
    fn a_type_from_the_future_is_still_a_capture() {
        let odd = json!({"type": "partial", "id": "abc", "status": "resting", "shelf": {"row": 1}});
        let capture = capture(odd.clone());
        assert_eq!(capture.kind(), CaptureKind::Other("partial".into()));
        assert_eq!(
            (capture.id().as_str(), capture.status()),
            ("abc", "resting")
        );
        assert_eq!(capture.state(), CaptureState::InProgress);
        assert!(!capture.is_status_known());
        assert_eq!(serde_json::to_value(capture).unwrap(), odd);
        let ready = self::capture(json!({"type": "partial", "status": "success"}));
        assert!(ready.is_status_known());
        assert!(!self::capture(json!({"type": "simple"})).is_status_known());
    }

    #[test]
    fn keys_that_the_service_echoes_are_not_shown() {
        let capture = capture(json!({
            "type": "full",
            "destination_conf": "r2://b/d?account-id=acc&access-key-id=AKAK&secret-access-key=SKSK",
            "error_message": "cannot write r2://b/d?secret-access-key=SKSK",
            "note": "secret-access-key=SKSK",
        }));
        let shown = format!(
            "{capture:?} {} {:?} {:?}",
            serde_json::to_string(&capture).unwrap(),
            capture.destination(),
            capture.error_message()
        );
        assert!(
            !shown.contains("AKAK") && !shown.contains("SKSK"),
            "{shown}"
        );
        assert!(shown.contains("r2://b/d?account-id=acc"), "{shown}");
    }

    #[test]
    fn empty_timestamps_are_no_timestamps() {
        let capture = capture(
            json!({"type": "full", "submitted": "", "stop_requested": "2022-06-02T18:38:22.269047Z"}),
        );
        assert_eq!(capture.submitted(), None);
        assert_eq!(
            capture.stop_requested().unwrap().to_string(),
            "2022-06-02T18:38:22.269047Z"
        );
    }
}
