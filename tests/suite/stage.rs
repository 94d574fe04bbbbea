//! What an operation needs so that it could work, and a look at what is left after it.

use std::{
    collections::BTreeMap, fs, io, net::TcpListener, path::PathBuf, sync::Arc, time::Duration,
};

use pcaps::{Account, BucketId, CaptureId, Destination, Error, Full, Sample};
use pcaps_sim::{
    Simulator,
    faults::{FaultServer, Operation},
    object_store::ObjectStoreExt as _,
};

use tokio::task::JoinHandle;

use crate::{
    secrets::{self, KEY, KEY_ID},
    support::{ACCOUNT, TOKEN, account_at},
    time::Time,
};

/// A service with what it takes for an operation to work.
pub(crate) struct Stage {
    pub(crate) time: Time,
    pub(crate) server: Arc<FaultServer>,
    /// Through the faults, and past them.
    pub(crate) account: Account,
    pub(crate) direct: Account,
    pub(crate) capture: Option<CaptureId>,
    bucket: Option<BucketId>,
    pub(crate) challenge: String,
    pub(crate) folder: tempfile::TempDir,
    /// Where redirects lead: nobody may ever come.
    elsewhere: TcpListener,
    pub(crate) simulator: Simulator,
    stalls: JoinHandle<()>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stalls.abort();
    }
}

/// What is where a download goes to, before it.
const OLD: &str = "the file that was there";

fn sample() -> Sample {
    Sample::new(Duration::from_secs(1), 20).unwrap()
}

pub(crate) fn destination() -> Destination {
    let uri = format!("r2://b/d?account-id=acc&access-key-id={KEY_ID}&secret-access-key={KEY}");
    uri.parse().unwrap()
}

/// A simulator that goes by this clock.
pub(crate) async fn simulator(time: &Time) -> Simulator {
    let clock = time.clone();
    let simulator = Simulator::builder()
        .token(TOKEN)
        .account_id(ACCOUNT)
        .ranges(true)
        // What is said of limits is a fault's to say.
        .unlimited(true)
        .clock(move || clock.now());
    simulator.start().await.unwrap()
}

impl Stage {
    pub(crate) async fn set(operation: Operation) -> Self {
        secrets::watch_logs();
        let time = Time::start();
        let simulator = simulator(&time).await;
        let server = Arc::new(FaultServer::before(&simulator).await.unwrap());
        let stalls = tokio::spawn(give_up_on_stalls(Arc::clone(&server), time.clone()));
        let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
        elsewhere.set_nonblocking(true).unwrap();
        let mut stage = Self {
            account: account_at(server.base_url(), &time),
            direct: account_at(simulator.base_url(), &time),
            time,
            server,
            capture: None,
            bucket: None,
            challenge: String::new(),
            folder: tempfile::tempdir().unwrap(),
            elsewhere,
            simulator,
            stalls,
        };
        stage.prepare(operation).await;
        fs::write(stage.path(), OLD).unwrap();
        stage
    }

    /// Makes what the operation is about.
    async fn prepare(&mut self, operation: Operation) {
        match operation {
            Operation::GetCapture | Operation::DownloadCapture => {
                let capture = self.direct.start(sample()).await.unwrap();
                self.capture = Some(capture.id().clone());
            }
            Operation::ValidateBucket | Operation::RemoveBucket | Operation::StopCapture => {
                let bucket = self.direct.register_bucket(&destination()).await.unwrap();
                let (store, directory) = self.simulator.buckets().place("r2://b/d").unwrap();
                let content = store
                    .get(&directory.join(bucket.challenge_file().unwrap()))
                    .await
                    .unwrap()
                    .bytes()
                    .await
                    .unwrap();
                self.challenge = String::from_utf8(content.to_vec()).unwrap();
                secrets::keep(&self.challenge);
                self.bucket = Some(bucket.id().clone());
            }
            _ => {}
        }
        if operation == Operation::StopCapture {
            self.direct
                .validate_bucket(&destination(), self.challenge.as_str())
                .await
                .unwrap();
            let full = Full::new("ORD", destination(), Duration::from_mins(1)).unwrap();
            let capture = self.direct.start(full).await.unwrap();
            self.capture = Some(capture.id().clone());
        }
    }

    /// A place on this machine that is not the service.
    pub(crate) fn elsewhere(&self) -> String {
        format!("http://{}/", self.elsewhere.local_addr().unwrap())
    }

    pub(crate) async fn perform(&self, operation: Operation) -> Result<(), Error> {
        let account = &self.account;
        let capture = self.capture.as_ref();
        match operation {
            Operation::StartCapture => account.start(sample()).await.map(|it| {
                assert_eq!(it.status(), "success");
            }),
            Operation::ListCaptures => account.list().await.map(drop),
            Operation::GetCapture => account.get(capture.unwrap()).await.map(|it| {
                assert_eq!(Some(it.id()), capture);
            }),
            Operation::DownloadCapture => {
                let download = account.download(capture.unwrap()).to_path(self.path());
                download.await.map(|it| assert_eq!(it.contents.packets, 20))
            }
            Operation::StopCapture => account.stop(capture.unwrap()).await,
            Operation::RegisterBucket => account.register_bucket(&destination()).await.map(drop),
            Operation::ListBuckets => account.list_buckets().await.map(drop),
            Operation::ValidateBucket => {
                let bucket = destination();
                let validated = account.validate_bucket(&bucket, self.challenge.as_str());
                validated.await.map(|it| assert!(it.is_validated()))
            }
            Operation::RemoveBucket => account.remove_bucket(self.bucket.as_ref().unwrap()).await,
        }
    }

    /// How often each operation was asked for.
    pub(crate) fn sent(&self) -> BTreeMap<Operation, usize> {
        let mut sent = BTreeMap::new();
        for request in self.server.requests() {
            *sent.entry(request.operation.unwrap()).or_default() += 1;
        }
        sent
    }

    /// Looks at what is left: at the service, on the disk, and elsewhere.
    pub(crate) async fn check(&self, operation: Operation, worked: bool, name: &str) {
        let nobody = self.elsewhere.accept().unwrap_err();
        assert_eq!(
            nobody.kind(),
            io::ErrorKind::WouldBlock,
            "{name}: it went elsewhere"
        );
        let files: Vec<_> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|it| it.unwrap().file_name())
            .collect();
        assert_eq!(files, ["a.pcap"], "{name}");
        let file = fs::read(self.path()).unwrap();
        if worked && operation == Operation::DownloadCapture {
            let path = self.folder.path().join("direct.pcap");
            self.direct
                .download(self.capture.as_ref().unwrap())
                .to_path(&path)
                .await
                .unwrap();
            assert_eq!(file, fs::read(path).unwrap(), "{name}");
        } else {
            assert_eq!(file, OLD.as_bytes(), "{name}");
        }
        let captures = self.direct.list().await.unwrap();
        let buckets = self.direct.list_buckets().await.unwrap();
        secrets::assert_none(&format!(
            "{captures:?} {buckets:?} {:?} {:?}",
            self.server,
            self.server.requests()
        ));
        match operation {
            Operation::StartCapture => assert!(captures.len() <= 1, "{name}: started twice"),
            Operation::StopCapture if worked => {
                assert!(captures[0].stop_requested().is_some(), "{name}");
            }
            Operation::RemoveBucket if worked => assert!(buckets.is_empty(), "{name}"),
            _ => {}
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("a.pcap")
    }
}

/// Lets a limit on time run out whenever another answer stalls.
async fn give_up_on_stalls(server: Arc<FaultServer>, time: Time) {
    let mut known = 0;
    loop {
        tokio::task::yield_now().await;
        let stalled = server.stalled();
        for _ in known..stalled {
            time.run_out();
        }
        known = stalled;
    }
}
