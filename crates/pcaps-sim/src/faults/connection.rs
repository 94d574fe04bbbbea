//! A client's connection, from its first request to its end.

use std::sync::Arc;

use axum::{body::Body, http, response::IntoResponse};
use socket2::SockRef;
use tokio::{
    io::{self, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
    task::yield_now,
};
use tower::ServiceExt;

use super::{
    Delivery, Fault, Front,
    message::{Answer, Message},
    reading::{Client, Incoming, Unread},
};
use crate::server::{Failure, code};

/// How much of a part that ends with a reset is sent with care, in bytes: more than the system adds to what
/// it has already, whatever its buffer.
const END: usize = 128 * 1024;

/// How much of it may be under way, in bytes.
const UNDER_WAY: usize = 16 * 1024;

/// How a message left the connection.
enum Then {
    /// Ready for the next request.
    Keep,
    /// To be closed.
    Close,
    /// To be reset.
    Reset,
    /// With a client that waits.
    Stall,
}

/// One more, for as long as this is there.
struct Counted<'a>(&'a watch::Sender<usize>);

impl<'a> Counted<'a> {
    fn new(count: &'a watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count = count.saturating_add(1));
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

/// Serves a connection until either side ends it.
pub(super) async fn serve(stream: TcpStream, front: Arc<Front>) {
    // A byte that is sent alone arrives alone.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let mut client = Client::new(stream);
    loop {
        let request = client.request().await;
        let busy = Counted::new(&front.busy);
        let (message, delivery) = match request {
            Ok(request) => {
                let (fault, entry) = front.meet(&request);
                let message = answer(request, &fault, &front).await;
                if let Some(entry) = entry {
                    entry.answered(message.as_ref().and_then(|it| it.status));
                }
                let Some(message) = message else {
                    return;
                };
                (message, fault.delivery)
            }
            Err(unread) => {
                let Some(message) = refusal(unread).await else {
                    return;
                };
                (message, Delivery::Whole)
            }
        };
        // A client that is gone does not get the rest.
        let Ok(then) = send(&mut client.stream, &message, delivery).await else {
            return;
        };
        drop(busy);
        match then {
            Then::Keep => {}
            Then::Close => {
                if client.stream.shutdown().await.is_ok() {
                    // To close while there is something to read would be a reset.
                    client.drain().await;
                }
                return;
            }
            Then::Reset => {
                // Then dropping it resets it.
                let _ = client.stream.set_zero_linger();
                return;
            }
            Then::Stall => {
                let _stalled = Counted::new(&front.stalled);
                client.drain().await;
                return;
            }
        }
    }
}

/// The answer to a request, or nothing when the simulator has ended.
async fn answer(request: Incoming, fault: &Fault, front: &Front) -> Option<Message> {
    let own = if fault.unseen {
        None
    } else {
        Some(ask(&request, front).await?)
    };
    let Some(mut answer) = Answer::instead(fault).or(own) else {
        return Some(Message::default());
    };
    if let Some(body) = &fault.body {
        answer = answer.with(body.0.clone());
    }
    if front.service.ranges {
        answer = answer.ranged(&request, fault).await?;
    }
    Some(answer.message(&request, fault))
}

/// Passes a request on.
async fn ask(request: &Incoming, front: &Front) -> Option<Answer> {
    let mut passed = http::Request::new(Body::from(request.body.clone()));
    *passed.method_mut() = request.method.clone();
    *passed.uri_mut() = request.uri.clone();
    *passed.headers_mut() = request.headers.clone();
    // The part is taken here, from what a fault makes of the answer.
    passed.headers_mut().remove(http::header::RANGE);
    tokio::select! {
        // What has ended does nothing more.
        biased;
        () = front.service.stopped.clone().wait() => None,
        response = front.router.clone().oneshot(passed) => {
            let Ok(response) = response;
            Answer::of(response).await
        }
    }
}

/// The answer to what is not a request, if anybody is there to read it.
async fn refusal(unread: Unread) -> Option<Message> {
    let failure = match unread {
        Unread::Gone => return None,
        Unread::Malformed(problem) => Failure::bad_request(code::BODY, problem),
        Unread::TooLarge => Failure::new(
            http::StatusCode::PAYLOAD_TOO_LARGE,
            code::TOO_LARGE,
            "the body is larger than 1 MiB",
        ),
    };
    let answer = Answer::of(failure.into_response()).await?.traced();
    Some(answer.message(&Incoming::default(), &Fault::default()))
}

/// Sends a message, or as much of it as the fault leaves.
async fn send(stream: &mut TcpStream, message: &Message, delivery: Delivery) -> io::Result<Then> {
    let done = if message.keep {
        Then::Keep
    } else {
        Then::Close
    };
    let (place, then) = match delivery {
        Delivery::Whole => {
            stream.write_all(&message.head).await?;
            stream.write_all(&message.body).await?;
            return Ok(done);
        }
        Delivery::Trickle => {
            for byte in message.head.iter().chain(&message.body) {
                stream.write_all(&[*byte]).await?;
                stream.flush().await?;
                yield_now().await;
            }
            return Ok(done);
        }
        Delivery::Excess(len) => {
            stream.write_all(&message.head).await?;
            stream.write_all(&message.body).await?;
            io::copy(&mut io::repeat(b'x').take(len), stream).await?;
            return Ok(Then::Close);
        }
        Delivery::Reset(place) => (place, Then::Reset),
        Delivery::Close(place) => (place, Then::Close),
        Delivery::Stall(place) => (place, Then::Stall),
    };
    let (head, body) = message.before(place);
    stream.write_all(head).await?;
    let (most, end) = body.split_at(body.len().saturating_sub(END));
    stream.write_all(most).await?;
    if let Then::Reset = then {
        // A reset destroys what is under way: let that be little.
        SockRef::from(&*stream).set_send_buffer_size(UNDER_WAY)?;
    }
    stream.write_all(end).await?;
    Ok(then)
}
