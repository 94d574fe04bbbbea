//! What is to go wrong.

use std::{collections::BTreeMap, fmt};

use bytes::Bytes;
use serde::{Deserialize, Deserializer};

/// What is to happen to a request. Its parts do not depend on each other:
///
/// - **the answer**: the simulator's own, or one [in its place](Self::answer); its [body](Self::body) and its
///   [headers](Self::header) can be replaced,
/// - **its framing**: how the client is told [where the body ends](Framing),
/// - **its delivery**: how much of it [arrives, and in which way](Delivery),
/// - whether the simulator [sees the request](Self::unseen). By default it does, and what was asked for takes
///   effect, whatever becomes of the answer.
///
/// The default is none: the request passes.
///
/// A fault can be read from JSON, all of whose fields may be absent: `answer` is an object of `status`, `media_type`
/// and `body` (the last two may be absent, the media type is `text/plain` then), `body` a text, `headers` an object in
/// which null leaves a header out, `framing` a [`Framing`], `delivery` a [`Delivery`], `unseen` a boolean.
///
/// # Examples
///
/// ```
/// use pcaps_sim::faults::{Delivery, Fault, Framing, Place};
///
/// // The answer is lost, all of it.
/// let _ = Fault::new(Delivery::Reset(Place::BeforeHead));
/// // Too many requests; the simulator does not know of this one.
/// let _ = Fault::answer(429, "text/plain", "later").header("retry-after", "7").unseen();
/// // A download that is cut short, and nothing says so.
/// let _ = Fault::new(Delivery::Close(Place::Body(100))).framed(Framing::UntilClosed);
/// // The same as JSON.
/// let json = r#"{"delivery": {"close": {"body": 100}}, "framing": "until_closed"}"#;
/// let _: Fault = serde_json::from_str(json)?;
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[must_use = "a fault happens once a server is told of it"]
pub struct Fault {
    pub(super) answer: Option<Replacement>,
    pub(super) body: Option<Content>,
    #[serde(deserialize_with = "headers")]
    pub(super) headers: Vec<(String, Option<String>)>,
    pub(super) framing: Framing,
    pub(super) delivery: Delivery,
    pub(super) unseen: bool,
}

/// An answer in place of the simulator's.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Replacement {
    pub(super) status: u16,
    #[serde(default = "plain")]
    pub(super) media_type: String,
    #[serde(default)]
    pub(super) body: Content,
}

fn plain() -> String {
    "text/plain".to_owned()
}

/// From an object, in which null leaves a header out.
fn headers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<(String, Option<String>)>, D::Error> {
    let headers = BTreeMap::deserialize(deserializer)?;
    Ok(headers.into_iter().collect())
}

/// The bytes of a body, which are not printed: there may be many.
#[derive(Clone, Default, Deserialize)]
#[serde(from = "String")]
pub(super) struct Content(pub(super) Bytes);

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

/// How the client is told where an answer's body ends. An answer that has no body (204, 304, or to `HEAD`)
/// has no framing either.
///
/// In JSON `"length"`, `{"claimed": 100}`, `"chunked"` or `"until_closed"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Framing {
    /// `Content-Length` has its length.
    #[default]
    Length,
    /// `Content-Length` has this number of bytes, whatever the body has. The whole body is sent, and then
    /// the connection is closed.
    Claimed(u64),
    /// In chunks of 4,096 bytes.
    Chunked,
    /// It ends where the connection is closed.
    UntilClosed,
}

/// How much of an answer arrives, and in which way.
///
/// Where it is cut, that is exact to the byte, but for one thing: a [`Reset`](Self::Reset) destroys what is
/// under way. The server waits for the client to take all but the last 32 KiB or so, and those arrive too as
/// long as the client reads.
///
/// In JSON `"whole"`, `"trickle"`, `{"excess": 100}`, or `{"reset": …}`, `{"close": …}`, `{"stall": …}` with a
/// [`Place`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Delivery {
    /// All of it at once.
    #[default]
    Whole,
    /// All of it, one byte at a time; other tasks have their turn after each.
    Trickle,
    /// All of it, this number of bytes `x` after it, and the end of the connection.
    Excess(u64),
    /// Up to this place; then the connection is reset (RST).
    Reset(Place),
    /// Up to this place; then the connection is closed (FIN).
    Close(Place),
    /// Up to this place; then nothing more, and the connection stays open until the client closes it.
    Stall(Place),
}

/// A place in an answer.
///
/// A place that is beyond the end of the head or of the body is that end; where an answer has no body, its
/// body ends where it begins. In chunks, the end of the body is before the last, empty chunk.
///
/// In JSON `"before_head"`, `{"head": 10}` or `{"body": 100}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Before the first byte.
    BeforeHead,
    /// After this number of bytes of the head: of the status line, the headers and the empty line.
    Head(usize),
    /// After this number of bytes of the body.
    Body(usize),
}

impl Fault {
    /// The simulator's own answer, and what becomes of it.
    pub fn new(delivery: Delivery) -> Self {
        Self {
            delivery,
            ..Self::default()
        }
    }

    /// An answer in place of the simulator's: a status, a media type and a body. The media type is left out
    /// if it is empty. It has a `cf-ray` as every answer has.
    ///
    /// The request takes effect all the same, unless it is [`unseen`](Self::unseen).
    pub fn answer(status: u16, media_type: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self {
            answer: Some(Replacement {
                status,
                media_type: media_type.into(),
                body: Content(Bytes::from(body.into())),
            }),
            ..Self::default()
        }
    }

    /// Replaces the body, and nothing else: a large download, for example.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self {
            body: Some(Content(Bytes::from(body.into()))),
            ..self
        }
    }

    /// Sets a header, whatever the answer has in its place.
    ///
    /// This comes last, after the framing, and nothing is checked: name and value are sent as they are. A
    /// header that is part of the framing (`content-length`, `transfer-encoding`, `connection`) makes the
    /// connection end with the answer.
    ///
    /// Of a simulator with [ranges](crate::SimulatorBuilder::ranges), an `etag` that is set here also is
    /// what `If-Range` is compared with: the file has changed.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), Some(value.into())));
        self
    }

    /// Leaves a header out.
    pub fn without_header(mut self, name: impl Into<String>) -> Self {
        self.headers.push((name.into(), None));
        self
    }

    /// Sets how the client is told where the body ends.
    pub fn framed(self, framing: Framing) -> Self {
        Self { framing, ..self }
    }

    /// Sets how much of the answer arrives, and in which way.
    pub fn delivered(self, delivery: Delivery) -> Self {
        Self { delivery, ..self }
    }

    /// Keeps the request from the simulator: it takes no effect.
    ///
    /// Then there is no answer, unless there is one [in its place](Self::answer): its head and its body have
    /// no bytes, and the connection ends as the delivery says, or else is closed.
    pub fn unseen(self) -> Self {
        Self {
            unseen: true,
            ..self
        }
    }
}

impl From<Delivery> for Fault {
    fn from(delivery: Delivery) -> Self {
        Self::new(delivery)
    }
}

impl From<Framing> for Fault {
    fn from(framing: Framing) -> Self {
        Self::default().framed(framing)
    }
}
