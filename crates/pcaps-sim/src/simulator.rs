//! The running simulator.

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{Arc, Mutex, RwLock},
    time::Duration,
};

use axum::Router;
use jiff::Timestamp;
use pcaps_api::Secret;
use tokio::{
    net::TcpListener,
    sync::oneshot,
    task::JoinHandle,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::{
    Access, Buckets, Error, Files, Request, Traffic,
    account::{Accounts, RequestLimit},
    clock::Clock,
    colos::Colos,
    control,
    error::Repr,
    faults::Front,
    log::Log,
    server::{Service, logged_router},
    stop::{Entrance, Stop, Stopped, stop},
};

/// How often full captures are looked after when nobody asks for them.
const TICK: Duration = Duration::from_secs(1);

/// How long a shutdown waits for answers that are under way.
const GRACE: Duration = Duration::from_secs(5);

/// How long it then waits for connections that were cut.
const CUT: Duration = Duration::from_secs(1);

/// The service, simulated: it listens from [`start`](SimulatorBuilder::start) until
/// [`shutdown`](Self::shutdown), or until it is dropped, which cuts all connections at once.
///
/// Its methods are what a test controls it with; [`SimulatorBuilder::control`] gives the same to other programs.
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
    control_url: Option<String>,
    service: Arc<Service>,
    /// Takes no new requests from then on.
    close: Option<oneshot::Sender<()>>,
    /// Serves nothing from then on.
    stop: Stop,
    server: Option<JoinHandle<()>>,
    control: Option<JoinHandle<()>>,
    ticker: JoinHandle<()>,
}

impl Simulator {
    /// A simulator to be set up: one line in a test.
    ///
    /// # Examples
    ///
    /// ```
    /// #[tokio::test]
    /// async fn a_bucket_is_registered() -> Result<(), pcaps_sim::Error> {
    ///     let simulator = pcaps_sim::Simulator::builder().start().await?;
    ///     // ... a client at `simulator.base_url()`, with `simulator.token()` and `simulator.account_id()` ...
    ///     let _ = simulator.requests();
    ///     simulator.shutdown().await;
    ///     Ok(())
    /// }
    /// ```
    pub fn builder() -> SimulatorBuilder {
        SimulatorBuilder {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            traffic: None,
            account_id: None,
            token: None,
            read_token: None,
            buckets: None,
            files: Files::default(),
            colos: Colos::default(),
            clock: None,
            is_limited: true,
            ranges: false,
            control: None,
        }
    }

    /// What stands for `https://api.cloudflare.com/client/v4`: `http://127.0.0.1:<port>/client/v4`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Where a person can watch it, with a browser: `http://127.0.0.1:<port>/`. There are no secrets on that page.
    pub fn page_url(&self) -> &str {
        let base = self.base_url.as_str();
        base.strip_suffix("client/v4").unwrap_or(base)
    }

    /// Where the [control interface](SimulatorBuilder::control) is, if there is one: `http://127.0.0.1:<port>`.
    pub fn control_url(&self) -> Option<&str> {
        self.control_url.as_deref()
    }

    /// The token of the first account that may read and write.
    pub fn token(&self) -> &Secret {
        &self.first().token
    }

    /// The token of the first account that may only read.
    pub fn read_token(&self) -> &Secret {
        &self.first().read_token
    }

    /// The id of the first account.
    pub fn account_id(&self) -> &str {
        &self.first().id
    }

    /// Adds an account, with an id and tokens that nobody can guess. It sees nothing of the others, and has
    /// limits of its own.
    ///
    /// # Errors
    ///
    /// When there are a hundred already; when the operating system gives no random bytes.
    pub fn add_account(&self) -> Result<Access, Error> {
        Ok(self.service.accounts.add()?)
    }

    /// All accounts, in the order in which they were added.
    pub fn accounts(&self) -> Vec<Access> {
        let all = self.service.accounts.all();
        all.iter().map(|it| it.access.clone()).collect()
    }

    /// What time it is here: what the [clock](SimulatorBuilder::clock) says, and how far it was
    /// [moved on](Self::advance).
    pub fn now(&self) -> Timestamp {
        self.service.clock.now()
    }

    /// Moves the clock on, and does what is to be done until then: afterwards the files of a full capture that
    /// is over are in their bucket.
    ///
    /// # Errors
    ///
    /// When that is past 2106-02-07T06:28:15Z, where pcap files end ([`ErrorKind::Clock`](crate::ErrorKind::Clock));
    /// it stays where it is then.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), pcaps_sim::Error> {
    /// use std::time::Duration;
    ///
    /// let simulator = pcaps_sim::Simulator::builder().start().await?;
    /// let before = simulator.now();
    /// simulator.advance(Duration::from_secs(86_400)).await?;
    /// assert!(simulator.now().duration_since(before).as_secs() >= 86_400);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn advance(&self, by: Duration) -> Result<(), Error> {
        self.service.clock.advance(by)?;
        self.service.advance().await;
        Ok(())
    }

    /// Sets the traffic of captures that are started from now on.
    pub fn set_traffic(&self, traffic: Traffic) {
        self.service.set_traffic(traffic);
    }

    /// What was asked at [`base_url`](Self::base_url), the oldest first: the newest 1,000 requests, and 64 MiB
    /// of them at most. A request is there before it is answered.
    pub fn requests(&self) -> Vec<Request> {
        self.service.log.requests()
    }

    /// The buckets, in which challenges and full captures are found.
    pub fn buckets(&self) -> &Buckets {
        &self.service.buckets
    }

    /// Changes which files full captures leave that are started from now on.
    pub fn set_files(&self, files: Files) {
        self.service.set_files(files);
    }

    fn first(&self) -> &Access {
        &self.service.accounts.first().access
    }

    /// What answers requests.
    pub(crate) fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// Ends the simulator: no new requests are taken, and those under way get five seconds to be answered;
    /// then their connections are cut. After it nothing changes any more, unless a store keeps a file waiting for
    /// more than five seconds. An unfinished full capture leaves no files, and late ones do not appear.
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
            // It waits for its connections, which are cut now; a client that does not read may hold one up.
            if timeout(CUT, &mut server).await.is_err() {
                server.abort();
                let _ = server.await;
            }
        }
        self.stop.now();
        self.ticker.abort();
        let settle = async {
            for account in self.service.accounts.all() {
                account.captures.settle().await;
            }
        };
        // A store that does not answer is not waited for.
        let _ = timeout(GRACE, settle).await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stop.now();
        self.ticker.abort();
        for server in [&self.server, &self.control].into_iter().flatten() {
            server.abort();
        }
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator")
            .field("base_url", &self.base_url)
            .field("account_id", &self.account_id())
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
    read_token: Option<Secret>,
    buckets: Option<Buckets>,
    files: Files,
    colos: Colos,
    clock: Option<Clock>,
    is_limited: bool,
    ranges: bool,
    control: Option<SocketAddr>,
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

    /// The token that may read and write. By default a random one, which nobody can guess.
    pub fn token(self, token: impl Into<Secret>) -> Self {
        Self {
            token: Some(token.into()),
            ..self
        }
    }

    /// The token that may only read. By default a random one, which nobody can guess.
    pub fn read_token(self, token: impl Into<Secret>) -> Self {
        Self {
            read_token: Some(token.into()),
            ..self
        }
    }

    /// The names that a full capture may be started with, upper and lower case told apart. By default some 230
    /// places by the codes of their airports (`ORD`), and nine data centres in each (`ord01` to `ord09`).
    pub fn colos(self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        Self {
            colos: Colos::Only(names),
            ..self
        }
    }

    /// Whether there are no limits on how often something may be asked. By default there are, as the service's
    /// documentation has them: of an account one sample a minute, and 1,200 requests in five minutes, after which
    /// all are refused for five minutes.
    pub fn unlimited(self, unlimited: bool) -> Self {
        Self {
            is_limited: !unlimited,
            ..self
        }
    }

    /// Where to listen for those who control the simulator over HTTP: another address than where it listens for
    /// its clients. By default nowhere.
    ///
    /// What can be asked there is in the crate's README. It takes the [token](Self::token) of the first account.
    /// Requests then pass a [fault server](crate::faults) on their way, for the faults that are ordered there.
    pub fn control(self, address: SocketAddr) -> Self {
        Self {
            control: Some(address),
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
            accounts: Accounts::new(self.account_id, self.token, self.read_token)?,
            strangers: RequestLimit::default(),
            is_limited: self.is_limited,
            clock: self.clock.unwrap_or_else(Clock::real),
            traffic: RwLock::new(self.traffic.unwrap_or_else(|| Traffic::synthetic(0))),
            colos: self.colos,
            files: Mutex::new(self.files),
            buckets: self.buckets.unwrap_or_else(Buckets::memory),
            stopped: stopped.clone(),
            ranges: self.ranges,
            log: Arc::new(Log::default()),
        });
        let (listener, address) = listen(self.address).await?;
        let (close, closed) = oneshot::channel();
        let closed = async {
            // A sender that is gone without a word says the same.
            let _ = closed.await;
        };
        let (server, control_url, control) = if let Some(address) = self.control {
            let (control, address) = listen(address).await?;
            let front = Front::of(&service);
            let app = control::router(Arc::clone(&front));
            // Until the simulator ends.
            let control = serve(control, stopped, app, std::future::pending());
            (
                tokio::spawn(front.serve(listener, closed)),
                Some(format!("http://{address}")),
                Some(tokio::spawn(control)),
            )
        } else {
            let app = logged_router(Arc::clone(&service));
            (
                tokio::spawn(serve(listener, stopped, app, closed)),
                None,
                None,
            )
        };
        let ticker = tokio::spawn(tick(Arc::clone(&service)));
        Ok(Simulator {
            base_url: format!("http://{address}/client/v4"),
            control_url,
            service,
            close: Some(close),
            stop,
            server: Some(server),
            control,
            ticker,
        })
    }
}

/// Answers requests until it is closed, and those that are under way then.
async fn serve(
    listener: TcpListener,
    stopped: Stopped,
    app: Router,
    closed: impl Future<Output = ()> + Send + 'static,
) {
    let entrance = Entrance { listener, stopped };
    let serve = axum::serve(entrance, app).with_graceful_shutdown(closed);
    // It does not end with an error: a connection that cannot be taken is tried again.
    let _ = serve.await;
}

impl fmt::Debug for SimulatorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatorBuilder")
            .field("address", &self.address)
            .field("traffic", &self.traffic)
            .field("account_id", &self.account_id)
            .field("buckets", &self.buckets)
            .field("files", &self.files)
            .field("is_limited", &self.is_limited)
            .field("ranges", &self.ranges)
            .field("control", &self.control)
            .finish_non_exhaustive()
    }
}

/// Looks after full captures, for those who watch only the bucket.
async fn tick(service: Arc<Service>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        service.advance().await;
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
