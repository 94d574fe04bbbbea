//! Faults on order: a server before a simulator, which spoils answers as it is told.
//!
//! [`FaultServer`] passes requests on to a [`Simulator`] and sends the answers itself, byte by byte. A
//! [`Fault`] that it was given for an [`Operation`] replaces an answer, cuts it short, holds it back or lies
//! about its length. It is for tests of clients: what they do when an answer is lost, and whether they notice
//! that one is not whole.
//!
//! # Examples
//!
//! A capture that is started, although its client does not learn of it:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use pcaps_sim::{
//!     Simulator,
//!     faults::{Delivery, Fault, FaultServer, Operation, Place},
//! };
//!
//! let simulator = Simulator::builder().start().await?;
//! let server = FaultServer::before(&simulator).await?;
//! server.next(Operation::StartCapture, Delivery::Reset(Place::BeforeHead));
//! server.next(Operation::ListCaptures, Fault::answer(503, "text/plain", "later").unseen());
//!
//! let captures = format!("{}/accounts/{}/pcaps", server.base_url(), simulator.account_id());
//! let http = reqwest::Client::builder().no_proxy().build()?;
//! let request = serde_json::json!({
//!     "type": "simple",
//!     "system": "magic-transit",
//!     "time_limit": 60,
//!     "packet_limit": 100,
//! });
//! let token = simulator.token().expose();
//! let lost = http.post(&captures).bearer_auth(token).json(&request).send().await;
//! assert!(lost.is_err());
//!
//! let response = http.get(&captures).bearer_auth(token).send().await?;
//! assert_eq!(response.status(), 503);
//! let response = http.get(&captures).bearer_auth(token).send().await?;
//! let body: serde_json::Value = response.json().await?;
//! assert_eq!(body["result"][0]["status"], "success");
//!
//! let reached: Vec<_> = server.requests().iter().map(|it| it.reached).collect();
//! assert_eq!(reached, [true, false, true]);
//! # Ok(())
//! # }
//! ```

mod connection;
mod fault;
mod message;
mod operation;
mod reading;
mod request;

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{Router, serve::Listener};
use tokio::{
    net::TcpListener,
    sync::watch,
    task::{JoinHandle, JoinSet},
};

pub use fault::{Delivery, Fault, Framing, Place};
pub use operation::Operation;
pub use request::Request;

use crate::{
    Error, Simulator,
    server::{Service, router},
    simulator::listen,
};
use reading::Incoming;

/// A server before a [`Simulator`], at a port of its own. It spoils what it was told to; everything else
/// passes.
///
/// It speaks HTTP/1.1, with heads of 64 KiB and bodies of 1 MiB at most. What it cannot read it answers with
/// 400, or with 413 if the body is too large, and closes the connection. When it is dropped all its
/// connections are cut; once the simulator has ended, it closes each that asks for something of it.
///
/// The [module's documentation](self) has an example.
pub struct FaultServer {
    base_url: String,
    front: Arc<Front>,
    /// Owns the tasks of the connections.
    server: JoinHandle<()>,
}

/// What the connections share.
struct Front {
    service: Arc<Service>,
    router: Router,
    script: Mutex<Script>,
    /// How many connections are being stalled.
    stalled: watch::Sender<usize>,
}

/// What is to happen, and what was asked.
#[derive(Default)]
struct Script {
    next: BTreeMap<Operation, VecDeque<Fault>>,
    always: BTreeMap<Operation, Fault>,
    requests: Vec<Request>,
}

impl FaultServer {
    /// A server before this simulator, at a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// When no port can be listened at.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with its network driver.
    pub async fn before(simulator: &Simulator) -> Result<Self, Error> {
        let (listener, address) = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let service = Arc::clone(simulator.service());
        let front = Arc::new(Front {
            router: router(Arc::clone(&service)),
            service,
            script: Mutex::default(),
            stalled: watch::Sender::new(0),
        });
        Ok(Self {
            base_url: format!("http://{address}/client/v4"),
            server: tokio::spawn(accept(listener, Arc::clone(&front))),
            front,
        })
    }

    /// What stands for `https://api.cloudflare.com/client/v4`: `http://127.0.0.1:<port>/client/v4`. The
    /// account and the token are the simulator's.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Puts a fault into the operation's queue: each request for the operation takes the first that is left.
    /// [`Fault::default()`] lets one pass.
    pub fn next(&self, operation: Operation, fault: impl Into<Fault>) -> &Self {
        let mut script = self.front.script();
        let queue = script.next.entry(operation).or_default();
        queue.push_back(fault.into());
        drop(script);
        self
    }

    /// Sets what happens to all requests for the operation that find its queue empty.
    pub fn always(&self, operation: Operation, fault: impl Into<Fault>) -> &Self {
        self.front.script().always.insert(operation, fault.into());
        self
    }

    /// Forgets all faults, those in queues too: from now on requests pass. What is being stalled stays so.
    pub fn clear(&self) {
        let mut script = self.front.script();
        script.next.clear();
        script.always.clear();
    }

    /// What was asked so far, in the order in which it arrived. A request is there before it is answered.
    pub fn requests(&self) -> Vec<Request> {
        self.front.script().requests.clone()
    }

    /// How many connections are being stalled at this moment: the client has got all that it will get, and
    /// has not gone yet.
    pub fn stalled(&self) -> usize {
        *self.front.stalled.borrow()
    }

    /// Waits until that many connections are being stalled: one, for example, before a test moves its clock
    /// to the client's deadline, and none after it.
    pub async fn until_stalled(&self, count: usize) {
        let mut stalled = self.front.stalled.subscribe();
        // The sender is in `self`, so that it does not go away.
        let _ = stalled.wait_for(|it| *it == count).await;
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl fmt::Debug for FaultServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultServer")
            .field("base_url", &self.base_url)
            .field("stalled", &self.stalled())
            .finish_non_exhaustive()
    }
}

impl Front {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a request, and says what is to happen to it.
    fn meet(&self, request: &Incoming) -> Fault {
        let mut script = self.script();
        let fault = request.operation().and_then(|it| script.fault(it));
        let fault = fault.unwrap_or_default();
        script.requests.push(Request::new(request, !fault.unseen));
        fault
    }
}

impl Script {
    fn fault(&mut self, operation: Operation) -> Option<Fault> {
        let queued = self.next.get_mut(&operation).and_then(VecDeque::pop_front);
        queued.or_else(|| self.always.get(&operation).cloned())
    }
}

/// Takes connections, which end with it.
async fn accept(mut listener: TcpListener, front: Arc<Front>) {
    let mut connections = JoinSet::new();
    loop {
        // Not the method of the same name: this one tries again after an error.
        let (stream, _) = Listener::accept(&mut listener).await;
        connections.spawn(connection::serve(stream, Arc::clone(&front)));
        // Forgets those that have ended.
        while connections.try_join_next().is_some() {}
    }
}
