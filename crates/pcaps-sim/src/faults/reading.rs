//! Requests, read from a connection.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use bytes::{Buf, Bytes, BytesMut};
use httparse::Status;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::Operation;

/// The largest head that is read, in bytes; also the longest line of a chunk, and all trailers.
const HEAD: usize = 64 * 1024;

/// The largest body that is read, in bytes.
const BODY: usize = 1024 * 1024;

/// How many headers a request may have.
const HEADERS: usize = 128;

/// How much is read at once, in bytes.
const PIECE: usize = 8 * 1024;

/// A client's connection.
pub(super) struct Client {
    pub(super) stream: TcpStream,
    /// What was read and is not used yet.
    buffer: BytesMut,
}

/// A request. The default is what stands for one that could not be read.
#[derive(Default)]
pub(super) struct Incoming {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Whether the client would go on with the connection.
    pub(super) keep: bool,
}

/// Why there is no request.
pub(super) enum Unread {
    /// The client has gone.
    Gone,
    /// It is not a request.
    Malformed(&'static str),
    /// Its body is larger than is read.
    TooLarge,
}

impl Incoming {
    pub(super) fn operation(&self) -> Option<Operation> {
        Operation::of(self.method.as_str(), self.uri.path())
    }
}

impl Client {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            buffer: BytesMut::new(),
        }
    }

    /// Reads the next request.
    pub(super) async fn request(&mut self) -> Result<Incoming, Unread> {
        let (mut request, len) = loop {
            if let Some(found) = head(bounded(&self.buffer))? {
                break found;
            }
            self.more("the head is larger than 64 KiB").await?;
        };
        self.buffer.advance(len);
        let is_chunked = is_chunked(&request.headers)?;
        let len = length(&request.headers)?;
        if is_chunked && len.is_some() {
            return Err(Unread::Malformed("the body has two lengths"));
        }
        let len = len.unwrap_or(0);
        if request.headers.contains_key(header::EXPECT) && (is_chunked || len > 0) {
            let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
            let written = self.stream.write_all(go_on).await;
            written.map_err(|_| Unread::Gone)?;
        }
        request.body = if is_chunked {
            self.chunks().await?
        } else {
            self.take(len).await?
        };
        Ok(request)
    }

    /// Reads until the client has closed its side, and forgets what it reads.
    pub(super) async fn drain(&mut self) {
        self.buffer.clear();
        while self.read().await.is_ok() {
            self.buffer.clear();
        }
    }

    /// Reads the chunks of a body, and what follows them.
    async fn chunks(&mut self) -> Result<Bytes, Unread> {
        let malformed = |_| Unread::Malformed("the body's chunks are wrong");
        let mut body = BytesMut::new();
        loop {
            let (len, size) = loop {
                let line = httparse::parse_chunk_size(bounded(&self.buffer));
                if let Status::Complete(found) = line.map_err(malformed)? {
                    break found;
                }
                self.more("the line of a chunk is larger than 64 KiB")
                    .await?;
            };
            self.buffer.advance(len);
            if size == 0 {
                break;
            }
            let size = usize::try_from(size).map_err(|_| Unread::TooLarge)?;
            if size > BODY - body.len() {
                return Err(Unread::TooLarge);
            }
            body.extend_from_slice(&self.take(size).await?);
            if *self.take(2).await? != *b"\r\n" {
                return Err(malformed(httparse::InvalidChunkSize));
            }
        }
        loop {
            let mut fields = [httparse::EMPTY_HEADER; HEADERS];
            let trailers = httparse::parse_headers(bounded(&self.buffer), &mut fields)
                .map_err(|_| Unread::Malformed("the trailers are wrong"))?;
            if let Status::Complete((len, _)) = trailers {
                self.buffer.advance(len);
                return Ok(body.freeze());
            }
            self.more("the trailers are larger than 64 KiB").await?;
        }
    }

    /// Takes that many bytes of a body.
    async fn take(&mut self, len: usize) -> Result<Bytes, Unread> {
        while self.buffer.len() < len {
            self.read().await?;
        }
        Ok(self.buffer.split_to(len).freeze())
    }

    /// Reads more of what was not whole yet, up to the largest head.
    async fn more(&mut self, otherwise: &'static str) -> Result<(), Unread> {
        if self.buffer.len() >= HEAD {
            return Err(Unread::Malformed(otherwise));
        }
        self.read().await
    }

    async fn read(&mut self) -> Result<(), Unread> {
        self.buffer.reserve(PIECE);
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) | Err(_) => Err(Unread::Gone),
            Ok(_) => Ok(()),
        }
    }
}

/// What of the buffer may be a head.
fn bounded(buffer: &[u8]) -> &[u8] {
    buffer.get(..HEAD).unwrap_or(buffer)
}

/// A request without its body, and the length of its head, if it is whole.
fn head(bytes: &[u8]) -> Result<Option<(Incoming, usize)>, Unread> {
    let malformed = || Unread::Malformed("the head is not one of HTTP/1.1");
    let mut fields = [httparse::EMPTY_HEADER; HEADERS];
    let mut parsed = httparse::Request::new(&mut fields);
    let Status::Complete(len) = parsed.parse(bytes).map_err(|_| malformed())? else {
        return Ok(None);
    };
    let (Some(method), Some(target), Some(version)) = (parsed.method, parsed.path, parsed.version)
    else {
        return Err(malformed());
    };
    let mut headers = HeaderMap::new();
    for field in parsed.headers {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| malformed())?;
        let value = HeaderValue::from_bytes(field.value).map_err(|_| malformed())?;
        headers.append(name, value);
    }
    let incoming = Incoming {
        method: Method::from_bytes(method.as_bytes()).map_err(|_| malformed())?,
        uri: target.parse().map_err(|_| malformed())?,
        keep: version == 1 && !says_close(&headers),
        headers,
        body: Bytes::new(),
    };
    Ok(Some((incoming, len)))
}

fn says_close(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::CONNECTION).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|it| it.trim().eq_ignore_ascii_case("close"))
}

fn is_chunked(headers: &HeaderMap) -> Result<bool, Unread> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(false),
        (Some(one), None) if one.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(true),
        _ => Err(Unread::Malformed("the body's transfer coding is not known")),
    }
}

/// The body's length in bytes, if it is said.
fn length(headers: &HeaderMap) -> Result<Option<usize>, Unread> {
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    let (Some(one), None) = (lengths.next(), lengths.next()) else {
        return if headers.contains_key(header::CONTENT_LENGTH) {
            Err(Unread::Malformed("the body has two lengths"))
        } else {
            Ok(None)
        };
    };
    let digits = one.to_str().unwrap_or_default();
    if digits.is_empty() || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return Err(Unread::Malformed("the body's length is not a number"));
    }
    // What is no number of ours is larger than any.
    let len = digits.parse().unwrap_or(usize::MAX);
    if len > BODY {
        return Err(Unread::TooLarge);
    }
    Ok(Some(len))
}
