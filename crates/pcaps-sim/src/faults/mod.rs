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

use crate::{
    Error, Request, Simulator,
    log::{Entry, Log},
    page,
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
pub(crate) struct Front {
    pub(crate) service: Arc<Service>,
    router: Router,
    script: Mutex<Script>,
    /// What was asked here.
    pub(crate) log: Arc<Log>,
    /// How many connections are being stalled.
    stalled: watch::Sender<usize>,
    /// How many requests are being answered.
    busy: watch::Sender<usize>,
}

/// What is to happen.
#[derive(Default)]
struct Script {
    next: BTreeMap<Operation, VecDeque<Fault>>,
    always: BTreeMap<Operation, Fault>,
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
        let front = Front::new(simulator.service(), Arc::default());
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
        self.front.next(operation, fault.into());
        self
    }

    /// Sets what happens to all requests for the operation that find its queue empty.
    pub fn always(&self, operation: Operation, fault: impl Into<Fault>) -> &Self {
        self.front.always(operation, fault.into());
        self
    }

    /// Forgets all faults, those in queues too: from now on requests pass. What is being stalled stays so.
    pub fn clear(&self) {
        self.front.clear();
    }

    /// What was asked here, in the order in which it arrived: the newest 1,000 requests, and 64 MiB of
    /// them at most. A request is there before it is answered.
    pub fn requests(&self) -> Vec<Request> {
        self.front.log.requests()
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
    /// Before this service, at its own address: what is asked there is what is asked of the service.
    pub(crate) fn of(service: &Arc<Service>) -> Arc<Self> {
        Self::new(service, Arc::clone(&service.log))
    }

    fn new(service: &Arc<Service>, log: Arc<Log>) -> Arc<Self> {
        Arc::new(Self {
            router: router(Arc::clone(service), Arc::clone(&log)),
            service: Arc::clone(service),
            script: Mutex::default(),
            log,
            stalled: watch::Sender::new(0),
            busy: watch::Sender::new(0),
        })
    }

    /// Takes connections until it is closed, and answers what is under way then.
    pub(crate) async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        closed: impl Future<Output = ()>,
    ) {
        let mut busy = self.busy.subscribe();
        let mut closed = std::pin::pin!(closed);
        let mut connections = std::pin::pin!(accept(listener, self));
        tokio::select! {
            () = &mut connections => return,
            () = &mut closed => {}
        }
        tokio::select! {
            () = connections => {}
            // The sender is in what takes connections.
            _ = busy.wait_for(|it| *it == 0) => {}
        }
    }

    pub(crate) fn next(&self, operation: Operation, fault: Fault) {
        let mut script = self.script();
        script.next.entry(operation).or_default().push_back(fault);
    }

    pub(crate) fn always(&self, operation: Operation, fault: Fault) {
        self.script().always.insert(operation, fault);
    }

    /// How many faults wait for a request of the operation.
    pub(crate) fn waiting(&self, operation: Operation) -> usize {
        self.script().next.get(&operation).map_or(0, VecDeque::len)
    }

    pub(crate) fn clear(&self) {
        *self.script() = Script::default();
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a request, unless it is for the page, and says what is to happen to it.
    fn meet(&self, request: &Incoming) -> (Fault, Option<Entry>) {
        // At once, so that the order of both is the same.
        let mut script = self.script();
        let fault = request.operation().and_then(|it| script.fault(it));
        let fault = fault.unwrap_or_default();
        let (method, uri, headers) = (&request.method, &request.uri, &request.headers);
        let entry = (!page::has(uri.path())).then(|| {
            self.log.add(Request {
                body: request.body.clone(),
                reached: !fault.unseen,
                ..Request::new(self.service.clock.now(), method, uri, headers)
            })
        });
        (fault, entry)
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
