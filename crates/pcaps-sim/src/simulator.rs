//! The running simulator.

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use pcaps_api::{Secret, types::Identifier};
use tokio::{
    net::TcpListener,
    sync::oneshot,
    task::JoinHandle,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::{
    Buckets, Error, Files, Traffic,
    capture::Captures,
    clock::Clock,
    error::Repr,
    ownership::Ownerships,
    random,
    server::{Service, router},
    stop::{Entrance, Stop, stop},
};

/// How often full captures are looked after when nobody asks for them.
const TICK: Duration = Duration::from_secs(1);

/// How long a shutdown waits for answers that are under way.
const GRACE: Duration = Duration::from_secs(5);

/// The service, simulated: it listens from [`start`](SimulatorBuilder::start) until
/// [`shutdown`](Self::shutdown), or until it is dropped, which cuts all connections at once.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let simulator = pcaps_sim::Simulator::builder().start().await?;
/// assert!(simulator.base_url().starts_with("http://127.0.0.1:"));
/// simulator.shutdown().await;
/// # Ok(())
/// # }
/// ```
pub struct Simulator {
    base_url: String,
    service: Arc<Service>,
    /// Takes no new requests from then on.
    close: Option<oneshot::Sender<()>>,
    /// Serves nothing from then on.
    stop: Stop,
    server: Option<JoinHandle<()>>,
    ticker: JoinHandle<()>,
}

impl Simulator {
    /// A simulator to be set up.
    pub fn builder() -> SimulatorBuilder {
        SimulatorBuilder {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            traffic: None,
            account_id: None,
            token: None,
            buckets: None,
            files: Files::default(),
            clock: None,
            ranges: false,
        }
    }

    /// What stands for `https://api.cloudflare.com/client/v4`: `http://127.0.0.1:<port>/client/v4`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The token that lets requests through.
    pub fn token(&self) -> &Secret {
        &self.service.token
    }

    /// The id of the one account that there is.
    pub fn account_id(&self) -> &str {
        &self.service.account_id
    }

    /// The buckets, in which challenges and full captures are found.
    pub fn buckets(&self) -> &Buckets {
        &self.service.buckets
    }

    /// Changes which files full captures leave that are started from now on.
    pub fn set_files(&self, files: Files) {
        self.service.set_files(files);
    }

    /// What answers requests.
    pub(crate) fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// Ends the simulator: no new requests are taken, and those under way get five seconds to be answered;
    /// then their connections are cut. After it nothing changes any more. An unfinished full capture leaves
    /// no files, and late ones do not appear.
    pub async fn shutdown(mut self) {
        if let Some(close) = self.close.take() {
            // It may have ended by itself.
            let _ = close.send(());
        }
        let server = self.server.take();
        if let Some(mut server) = server
            && timeout(GRACE, &mut server).await.is_err()
        {
            self.stop.now();
            // It waits for its connections, which are cut now.
            let _ = server.await;
        }
        self.stop.now();
        self.ticker.abort();
        self.service.captures.settle().await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stop.now();
        self.ticker.abort();
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator")
            .field("base_url", &self.base_url)
            .field("account_id", &self.service.account_id)
            .field("buckets", &self.service.buckets)
            .finish_non_exhaustive()
    }
}

/// A simulator to be set up: everything has a default.
#[must_use = "a simulator runs once it is started"]
pub struct SimulatorBuilder {
    address: SocketAddr,
    traffic: Option<Traffic>,
    account_id: Option<String>,
    token: Option<Secret>,
    buckets: Option<Buckets>,
    files: Files,
    clock: Option<Clock>,
    ranges: bool,
}

impl SimulatorBuilder {
    /// Where to listen. By default at a free port of 127.0.0.1, where only this machine reaches it.
    pub fn listen(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }

    /// The traffic to capture. By default [`Traffic::synthetic(0)`](Traffic::synthetic).
    pub fn traffic(self, traffic: Traffic) -> Self {
        Self {
            traffic: Some(traffic),
            ..self
        }
    }

    /// The account's id, 1 to 32 letters, digits, hyphens and underscores. By default a random one.
    pub fn account_id(self, id: impl Into<String>) -> Self {
        Self {
            account_id: Some(id.into()),
            ..self
        }
    }

    /// The token that lets requests through. By default a random one, which nobody can guess.
    pub fn token(self, token: impl Into<Secret>) -> Self {
        Self {
            token: Some(token.into()),
            ..self
        }
    }

    /// Where buckets are. By default in memory.
    pub fn buckets(self, buckets: Buckets) -> Self {
        Self {
            buckets: Some(buckets),
            ..self
        }
    }

    /// Which files a full capture leaves. By default one for each of 3 servers.
    pub fn files(self, files: Files) -> Self {
        Self { files, ..self }
    }

    /// What time it is. By default the real time; a test that moves the time does not have to wait for
    /// it.
    pub fn clock(self, now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self {
            clock: Some(Clock::new(now)),
            ..self
        }
    }

    /// Whether a part of a download may be asked for, with the header `Range`. By default it may not, and a
    /// download is always whole: the service's documentation does not speak of ranges.
    ///
    /// With ranges, a download has a strong `ETag` and `Accept-Ranges: bytes`. One range, `bytes=N-` or
    /// `bytes=N-M`, is answered with 206, unless `If-Range` is there and is another tag; one that begins
    /// past the end is answered with 416. Anything else that `Range` may say is ignored.
    pub fn ranges(self, ranges: bool) -> Self {
        Self { ranges, ..self }
    }

    /// Listens, and answers requests in the background.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened at, which [`is_address_in_use`](Error::is_address_in_use)
    /// tells apart; when no request could carry the account's id or the token; when the operating system
    /// gives no random bytes.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with its network and time drivers.
    pub async fn start(self) -> Result<Simulator, Error> {
        let (stop, stopped) = stop();
        let service = Arc::new(Service {
            account_id: account_id(self.account_id)?,
            token: token(self.token)?,
            clock: self.clock.unwrap_or_else(Clock::real),
            traffic: self.traffic.unwrap_or_else(|| Traffic::synthetic(0)),
            files: Mutex::new(self.files),
            buckets: self.buckets.unwrap_or_else(Buckets::memory),
            captures: Captures::default(),
            ownerships: Ownerships::default(),
            stopped: stopped.clone(),
            ranges: self.ranges,
        });
        let (listener, address) = listen(self.address).await?;
        let entrance = Entrance { listener, stopped };
        let (close, closed) = oneshot::channel();
        let app = router(Arc::clone(&service));
        let server = tokio::spawn(async move {
            let serve = axum::serve(entrance, app).with_graceful_shutdown(async {
                // A sender that is gone without a word says the same.
                let _ = closed.await;
            });
            // It does not end with an error: a connection that cannot be taken is tried again.
            let _ = serve.await;
        });
        let ticker = tokio::spawn(tick(Arc::clone(&service)));
        Ok(Simulator {
            base_url: format!("http://{address}/client/v4"),
            service,
            close: Some(close),
            stop,
            server: Some(server),
            ticker,
        })
    }
}

impl fmt::Debug for SimulatorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatorBuilder")
            .field("address", &self.address)
            .field("traffic", &self.traffic)
            .field("account_id", &self.account_id)
            .field("buckets", &self.buckets)
            .field("files", &self.files)
            .field("ranges", &self.ranges)
            .finish_non_exhaustive()
    }
}

/// Looks after full captures, for those who watch only the bucket.
async fn tick(service: Arc<Service>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        service.captures.advance(service.clock.now()).await;
    }
}

fn account_id(given: Option<String>) -> Result<String, Repr> {
    let Some(id) = given else {
        return random::id();
    };
    id.parse::<Identifier>()
        .map(Into::into)
        .map_err(|_| Repr::AccountId)
}

fn token(given: Option<Secret>) -> Result<Secret, Repr> {
    let Some(token) = given else {
        return random::hex::<32>().map(Into::into);
    };
    let text = token.expose().as_bytes();
    if !text.is_empty() && text.iter().all(u8::is_ascii_graphic) {
        Ok(token)
    } else {
        Err(Repr::Token)
    }
}

/// Listens at an address, and says at which port, should it be a free one.
pub(crate) async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Repr> {
    let bind = async {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    bind.await.map_err(|it| unheard(address, it))
}

fn unheard(address: SocketAddr, source: io::Error) -> Repr {
    if source.kind() == io::ErrorKind::AddrInUse {
        Repr::AddressInUse { address, source }
    } else {
        Repr::Listen { address, source }
    }
}
