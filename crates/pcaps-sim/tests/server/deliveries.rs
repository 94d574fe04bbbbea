//! What a fault server sends, byte for byte.

use std::io::{self, ErrorKind};

use pcaps_sim::{
    Simulator,
    faults::{Delivery, Fault, FaultServer, Framing, Operation, Place},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::Outcome;

/// A request, and what a server answers that was told to answer it with [`answer`].
const REQUEST: &str = "GET /client/v4/accounts/a/pcaps/x HTTP/1.1\r\n\r\n";
const HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 10\r\ncf-ray: ray\r\n\r\n";
const BODY: &str = "0123456789";

/// The same in chunks.
const CHUNKED: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\ncf-ray: ray\r\n\r\n";

fn answer() -> Fault {
    Fault::answer(200, "text/plain", BODY)
        .header("cf-ray", "ray")
        .unseen()
}

/// A server, and a client of it that has nothing between it and the bytes.
struct Line {
    server: FaultServer,
    stream: TcpStream,
    _simulator: Simulator,
}

impl Line {
    async fn new() -> Outcome<Self> {
        let simulator = Simulator::builder().start().await?;
        let server = FaultServer::before(&simulator).await?;
        Ok(Self {
            stream: connect(&server).await?,
            server,
            _simulator: simulator,
        })
    }

    /// A line whose server was told of a fault, and was sent the request.
    async fn with(fault: impl Into<Fault>) -> Outcome<Self> {
        let mut line = Self::new().await?;
        line.server.next(Operation::GetCapture, fault);
        line.send(REQUEST).await?;
        Ok(line)
    }

    async fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref()).await
    }

    /// Asserts that these bytes are next.
    async fn assert_next(&mut self, expected: &str) -> Outcome {
        let mut bytes = vec![0; expected.len()];
        self.stream.read_exact(&mut bytes).await?;
        assert_eq!(String::from_utf8(bytes)?, expected);
        Ok(())
    }

    /// All that comes, and how the connection ends.
    async fn rest(mut self) -> (String, Result<(), ErrorKind>) {
        let mut bytes = Vec::new();
        let end = self.stream.read_to_end(&mut bytes).await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        (text, end.map(|_| ()).map_err(|error| error.kind()))
    }
}

async fn connect(server: &FaultServer) -> Outcome<TcpStream> {
    let address = server.base_url().trim_start_matches("http://");
    let address = address.trim_end_matches("/client/v4");
    Ok(TcpStream::connect(address).await?)
}

/// Places, and what comes before them.
fn places() -> [(Place, String); 9] {
    [
        (Place::BeforeHead, String::new()),
        (Place::Head(0), String::new()),
        (Place::Head(17), "HTTP/1.1 200 OK\r\n".to_owned()),
        (Place::Head(HEAD.len()), HEAD.to_owned()),
        (Place::Head(usize::MAX), HEAD.to_owned()),
        (Place::Body(0), HEAD.to_owned()),
        (Place::Body(3), format!("{HEAD}012")),
        (Place::Body(10), format!("{HEAD}{BODY}")),
        (Place::Body(usize::MAX), format!("{HEAD}{BODY}")),
    ]
}

#[tokio::test]
async fn answers_are_cut_by_a_reset() -> Outcome {
    for (place, expected) in places() {
        let line = Line::with(answer().delivered(Delivery::Reset(place))).await?;
        let end = Err(ErrorKind::ConnectionReset);
        assert_eq!(line.rest().await, (expected, end), "{place:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_reset_destroys_little_of_a_large_answer() -> Outcome {
    let fault = answer().body(vec![b'y'; 2_000_000]);
    let line = Line::with(fault.delivered(Delivery::Reset(Place::Body(1_000_000)))).await?;
    let (text, end) = line.rest().await;
    assert_eq!(end, Err(ErrorKind::ConnectionReset));
    let len = text.chars().filter(|it| *it == 'y').count();
    assert!((900_000..=1_000_003).contains(&len), "{len}");
    Ok(())
}

#[tokio::test]
async fn answers_are_cut_by_a_close() -> Outcome {
    for (place, expected) in places() {
        let line = Line::with(answer().delivered(Delivery::Close(place))).await?;
        assert_eq!(line.rest().await, (expected, Ok(())), "{place:?}");
    }
    Ok(())
}

#[tokio::test]
async fn answers_stall_until_the_client_goes() -> Outcome {
    for (place, expected) in places() {
        let mut line = Line::with(answer().delivered(Delivery::Stall(place))).await?;
        line.assert_next(&expected).await?;
        line.server.until_stalled(1).await;
        assert_eq!(line.server.stalled(), 1);
        let more = line.stream.try_read(&mut [0]);
        assert_eq!(more.map_err(|it| it.kind()), Err(ErrorKind::WouldBlock));
        // What it says meanwhile does not count.
        line.send(REQUEST).await?;
        drop(line.stream);
        line.server.until_stalled(0).await;
        assert_eq!(line.server.requests().len(), 1, "{place:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_client_that_resets_ends_a_stall_too() -> Outcome {
    let line = Line::with(answer().delivered(Delivery::Stall(Place::Body(3)))).await?;
    line.server.until_stalled(1).await;
    line.stream.set_zero_linger()?;
    drop(line.stream);
    line.server.until_stalled(0).await;
    Ok(())
}

#[tokio::test]
async fn connections_stall_each_for_itself() -> Outcome {
    let mut line = Line::with(Delivery::Stall(Place::BeforeHead)).await?;
    line.server
        .next(Operation::GetCapture, Delivery::Stall(Place::BeforeHead))
        .next(Operation::GetCapture, answer());
    let mut other = connect(&line.server).await?;
    other.write_all(REQUEST.as_bytes()).await?;
    line.server.until_stalled(2).await;
    drop(other);
    line.server.until_stalled(1).await;
    drop(std::mem::replace(
        &mut line.stream,
        connect(&line.server).await?,
    ));
    line.server.until_stalled(0).await;
    line.send(REQUEST).await?;
    line.assert_next(HEAD).await
}

#[tokio::test]
async fn whole_answers_keep_the_connection() -> Outcome {
    let whole = format!("{HEAD}{BODY}");
    let in_chunks = format!("{CHUNKED}a\r\n{BODY}\r\n0\r\n\r\n");
    let mut line = Line::with(answer()).await?;
    line.assert_next(&whole).await?;
    let trickle = answer().delivered(Delivery::Trickle);
    line.server
        .next(Operation::GetCapture, trickle)
        .next(Operation::GetCapture, answer().framed(Framing::Chunked))
        .next(Operation::GetCapture, answer());
    // All at once, and answered in their order.
    line.send(REQUEST.repeat(3)).await?;
    line.assert_next(&whole).await?;
    line.assert_next(&in_chunks).await?;
    line.assert_next(&whole).await?;
    // Unless the client does not want it kept.
    line.server.next(Operation::GetCapture, answer());
    line.send(REQUEST.replace("\r\n\r\n", "\r\nConnection: Close\r\n\r\n"))
        .await?;
    let head = HEAD.replace("cf-ray", "connection: close\r\ncf-ray");
    assert_eq!(line.rest().await, (format!("{head}{BODY}"), Ok(())));
    Ok(())
}

#[tokio::test]
async fn bodies_end_as_they_are_framed() -> Outcome {
    let claimed = |len| HEAD.replace("10", len) + BODY;
    let bare = HEAD.replace("content-length: 10\r\n", "");
    let no_length = answer().without_header("Content-Length");
    let odd = answer().header("content-length", "ten");
    let cut = |fault: Fault, len| fault.delivered(Delivery::Close(Place::Body(len)));
    let chunked = || answer().framed(Framing::Chunked);
    for (fault, expected) in [
        (answer().framed(Framing::Claimed(11)), claimed("11")),
        (answer().framed(Framing::Claimed(10)), claimed("10")),
        (answer().framed(Framing::Claimed(9)), claimed("9")),
        (answer().framed(Framing::UntilClosed), bare.clone() + BODY),
        (
            cut(answer().framed(Framing::UntilClosed), 3),
            bare.clone() + "012",
        ),
        (cut(chunked(), 0), CHUNKED.to_owned()),
        (cut(chunked(), 3), format!("{CHUNKED}a\r\n012")),
        (cut(chunked(), 99), format!("{CHUNKED}a\r\n{BODY}")),
        (
            answer().delivered(Delivery::Excess(3)),
            format!("{HEAD}{BODY}xxx"),
        ),
        (
            chunked().delivered(Delivery::Excess(2)),
            format!("{CHUNKED}a\r\n{BODY}\r\n0\r\n\r\nxx"),
        ),
        (no_length, bare + BODY),
        (
            odd,
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncf-ray: ray\r\ncontent-length: ten\r\n\r\n"
                .to_owned()
                + BODY,
        ),
    ] {
        let description = format!("{fault:?}");
        let line = Line::with(fault).await?;
        assert_eq!(line.rest().await, (expected, Ok(())), "{description}");
    }
    Ok(())
}

#[tokio::test]
async fn answers_without_a_body_have_no_framing() -> Outcome {
    let head = "HTTP/1.1 204 No Content\r\ncf-ray: ray\r\n\r\n";
    let nothing = || {
        Fault::answer(204, "", "no body")
            .header("cf-ray", "ray")
            .unseen()
    };
    for framing in [
        Framing::Length,
        Framing::Chunked,
        Framing::Claimed(9),
        Framing::UntilClosed,
    ] {
        let mut line = Line::with(nothing().framed(framing)).await?;
        line.assert_next(head).await?;
        // It goes on.
        line.server.next(Operation::GetCapture, nothing());
        line.send(REQUEST).await?;
        line.assert_next(head).await?;
    }
    let cut = nothing().delivered(Delivery::Close(Place::Body(3)));
    let line = Line::with(cut).await?;
    assert_eq!(line.rest().await, (head.to_owned(), Ok(())));

    let mut line = Line::new().await?;
    line.server.next(Operation::GetCapture, answer());
    line.server.next(Operation::GetCapture, answer());
    line.send(REQUEST.replace("GET", "HEAD")).await?;
    line.assert_next(&HEAD.replace("content-length: 10\r\n", ""))
        .await?;
    line.send(REQUEST).await?;
    line.assert_next(HEAD).await
}

#[tokio::test]
async fn what_no_library_sends_is_sent() -> Outcome {
    let fault = Fault::answer(99, "", "")
        .without_header("CF-Ray")
        .header("no name", "a\u{1}b")
        .unseen();
    let mut line = Line::with(fault).await?;
    line.assert_next("HTTP/1.1 099 \r\ncontent-length: 0\r\nno name: a\u{1}b\r\n\r\n")
        .await
}

#[tokio::test]
async fn without_an_answer_nothing_is_sent() -> Outcome {
    let line = Line::with(Fault::default().unseen()).await?;
    assert_eq!(line.rest().await, (String::new(), Ok(())));
    let reset = Fault::new(Delivery::Reset(Place::Body(3))).unseen();
    let line = Line::with(reset).await?;
    let end = Err(ErrorKind::ConnectionReset);
    assert_eq!(line.rest().await, (String::new(), end));
    let stall = Fault::new(Delivery::Stall(Place::Head(3))).unseen();
    let line = Line::with(stall).await?;
    line.server.until_stalled(1).await;
    assert!(!line.server.requests()[0].reached);
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_read_is_refused() -> Outcome {
    let post = "POST /client/v4/accounts/a/pcaps HTTP/1.1\r\n";
    let filler = "x".repeat(64 * 1024);
    for (request, status) in [
        ("\u{1}\r\n\r\n".to_owned(), "400 Bad Request"),
        ("GET /<x> HTTP/1.1\r\n\r\n".to_owned(), "400 Bad Request"),
        ("GET / HTTP/3.0\r\n\r\n".to_owned(), "400 Bad Request"),
        (
            format!("GET / HTTP/1.1\r\nfiller: {filler}"),
            "400 Bad Request",
        ),
        (
            format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(129)),
            "400 Bad Request",
        ),
        (
            format!("{post}content-length: -1\r\n\r\n"),
            "400 Bad Request",
        ),
        (
            format!("{post}content-length: 1\r\ncontent-length: 1\r\n\r\n"),
            "400 Bad Request",
        ),
        (
            format!("{post}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n"),
            "400 Bad Request",
        ),
        (
            format!("{post}transfer-encoding: gzip\r\n\r\n"),
            "400 Bad Request",
        ),
        (
            format!("{post}transfer-encoding: chunked\r\n\r\nz\r\n"),
            "400 Bad Request",
        ),
        (
            format!("{post}transfer-encoding: chunked\r\n\r\n1\r\nabc"),
            "400 Bad Request",
        ),
        (
            format!("{post}transfer-encoding: chunked\r\n\r\n0\r\nfiller: {filler}"),
            "400 Bad Request",
        ),
        (
            format!("{post}content-length: 1048577\r\n\r\n"),
            "413 Payload Too Large",
        ),
        (
            format!("{post}content-length: 99999999999999999999\r\n\r\n"),
            "413 Payload Too Large",
        ),
        (
            format!("{post}transfer-encoding: chunked\r\n\r\n100001\r\n"),
            "413 Payload Too Large",
        ),
    ] {
        let mut line = Line::new().await?;
        line.send(&request).await?;
        let (answer, end) = line.rest().await;
        let expected = format!("HTTP/1.1 {status}\r\n");
        let request = request.get(..80).unwrap_or(&request);
        assert!(answer.starts_with(&expected), "{request}: {answer}");
        assert!(
            answer.contains("\r\nconnection: close\r\n"),
            "{request}: {answer}"
        );
        assert!(answer.contains("-SIM\r\n"), "{request}: {answer}");
        assert_eq!(end, Ok(()), "{request}");
    }
    Ok(())
}

#[tokio::test]
async fn bodies_are_read_either_way() -> Outcome {
    let mut line = Line::new().await?;
    line.server.always(Operation::StartCapture, answer());
    let post = "POST /client/v4/accounts/a/pcaps?q=1 HTTP/1.1\r\nX-Name: Value\r\n";
    let chunks = "3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: t\r\n\r\n";
    for request in [
        format!("{post}Transfer-Encoding: Chunked\r\n\r\n{chunks}"),
        format!("{post}Content-Length: 5\r\n\r\nabcde"),
    ] {
        // One piece at a time.
        for byte in request.bytes() {
            line.send([byte]).await?;
        }
        line.assert_next(&format!("{HEAD}{BODY}")).await?;
    }
    // A client that waits to be told to go on.
    line.send(format!(
        "{post}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    ))
    .await?;
    line.assert_next("HTTP/1.1 100 Continue\r\n\r\n").await?;
    line.send("abcde").await?;
    line.assert_next(HEAD).await?;

    let requests = line.server.requests();
    assert_eq!(requests.len(), 3);
    for request in requests {
        assert_eq!(request.operation, Some(Operation::StartCapture));
        assert_eq!(request.method, "POST");
        assert_eq!(request.path, "/client/v4/accounts/a/pcaps?q=1");
        assert_eq!(request.header("x-name"), Some("Value"));
        assert_eq!(*request.body, *b"abcde");
    }
    Ok(())
}

#[tokio::test]
async fn a_dropped_server_cuts_its_connections() -> Outcome {
    let Line {
        server,
        mut stream,
        _simulator,
    } = Line::with(answer().delivered(Delivery::Stall(Place::BeforeHead))).await?;
    server.until_stalled(1).await;
    drop(server);
    assert_eq!(stream.read(&mut [0]).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_simulator_that_has_ended_answers_nothing() -> Outcome {
    let Line {
        server,
        mut stream,
        _simulator: simulator,
    } = Line::new().await?;
    simulator.shutdown().await;
    stream.write_all(REQUEST.as_bytes()).await?;
    assert_eq!(stream.read(&mut [0]).await?, 0);
    let mut stream = connect(&server).await?;
    server.next(Operation::GetCapture, answer());
    stream.write_all(REQUEST.as_bytes()).await?;
    let mut bytes = [0; 15];
    stream.read_exact(&mut bytes).await?;
    assert_eq!(&bytes, b"HTTP/1.1 200 OK");
    Ok(())
}
