//! Packets as they come, in one stream.

use std::{future::IntoFuture as _, num::NonZeroU16, time::Duration};

use jiff::Timestamp;
use pcaps::{Account, CaptureId, Clock as _, ErrorKind, FileState, Folder, Full, Sample};
use pcaps_file::{Format, Reader};
use pcaps_sim::{
    Files, Simulator,
    faults::{Fault, FaultServer, Operation},
    object_store::ObjectStoreExt as _,
};

use tokio::io::{AsyncReadExt as _, DuplexStream};

use crate::{
    secrets,
    stage::destination,
    support::{ACCOUNT, TOKEN, account_at, root},
    time::Time,
};

/// A packet: its time, and its bytes.
type Seen = (u64, Vec<u8>);

/// What whoever reads the stream sees, which has to be whole.
fn packets(stream: &[u8]) -> Vec<Seen> {
    let mut seen = Vec::new();
    let Ok(mut reader) = Reader::new(stream, "the stream") else {
        // It has its beginning, and nobody has described any packets.
        assert_eq!(stream.len(), 28);
        return seen;
    };
    assert_eq!(reader.header().format, Format::PcapNg);
    while let Some(packet) = reader.next_packet().unwrap() {
        seen.push((packet.timestamp.as_nanos(), packet.bytes.to_vec()));
    }
    seen
}

/// A simulator with a bucket, and a server before it that fails on order.
struct Scene {
    time: Time,
    simulator: Simulator,
    server: FaultServer,
    account: Account,
}

impl Scene {
    async fn set(files: Files) -> Self {
        secrets::watch_logs();
        let time = Time::start();
        let clock = time.clone();
        let simulator = Simulator::builder()
            .token(TOKEN)
            .account_id(ACCOUNT)
            .files(files)
            .clock(move || clock.now());
        let simulator = simulator.start().await.unwrap();
        let server = FaultServer::before(&simulator).await.unwrap();
        let buckets = simulator.buckets().clone();
        let client = pcaps::Client::builder()
            .token(TOKEN)
            .base_url(server.base_url())
            .clock(time.clone())
            .random(|| 1.0)
            .buckets(move |uri| {
                let (store, prefix) = buckets.place(uri).unwrap();
                Some(Folder::new(store, prefix))
            });
        let account = client.build().unwrap().account(ACCOUNT.parse().unwrap());
        Self {
            time,
            simulator,
            server,
            account,
        }
    }

    /// Starts a full capture.
    async fn full(&self, time_limit: Duration) -> CaptureId {
        self.account.prove(&destination()).await.unwrap();
        let full = Full::new("ORD", destination(), time_limit).unwrap();
        self.account.start(full).await.unwrap().id().clone()
    }

    /// Puts a file beside those of the simulator, after so long.
    fn put_after(&self, pause: Duration, id: &CaptureId, bytes: Vec<u8>) {
        let (store, folder) = self.simulator.buckets().place("r2://b/d").unwrap();
        let key = folder.join("extra").join(format!("pcap_{id}.pcap"));
        let time = self.time.clone();
        tokio::spawn(async move {
            time.sleep(pause).await;
            store.put(&key, bytes.into()).await.unwrap();
        });
    }

    /// What the same capture has when it is collected.
    async fn collected(&self, id: &CaptureId) -> Vec<Seen> {
        let mut file = Vec::new();
        let collect = self.account.collect(id).settle(Duration::ZERO);
        collect.to_writer(&mut file).await.unwrap();
        packets_of(&file)
    }

    /// From when to when each sample was, from the oldest on.
    async fn windows(&self) -> Vec<(i64, i64)> {
        let account = account_at(self.simulator.base_url(), &self.time);
        let window = |it: &pcaps::Capture| {
            let end = it.ending_at().unwrap().as_second();
            (end - it.time_limit().unwrap().as_secs().cast_signed(), end)
        };
        let mut windows: Vec<_> = account.list().await.unwrap().iter().map(window).collect();
        windows.sort_unstable();
        windows
    }
}

fn servers(servers: u16, late: u16) -> Files {
    Files {
        servers: NonZeroU16::new(servers).unwrap(),
        late,
        ..Files::default()
    }
}

fn sorted(mut packets: Vec<Seen>) -> Vec<Seen> {
    packets.sort_unstable();
    packets
}

#[tokio::test]
async fn all_packets_of_a_full_capture_come_in_order() {
    let scene = Scene::set(servers(4, 0)).await;
    let id = scene.full(Duration::from_secs(20)).await;
    let mut stream = Vec::new();
    let followed = scene.account.follow(&id, &mut stream).await.unwrap();
    assert!(!followed.is_partial() && followed.settled);
    let seen = packets(&stream);
    assert_eq!(followed.packets, seen.len() as u64);
    assert_eq!(followed.reported, Some(followed.packets));
    assert!(!seen.is_empty() && seen.is_sorted_by_key(|it| it.0));
    assert_eq!(sorted(seen), sorted(scene.collected(&id).await));
}

#[tokio::test]
async fn files_that_come_late_come_behind_the_others() {
    let scene = Scene::set(servers(4, 2)).await;
    let id = scene.full(Duration::from_secs(20)).await;
    let mut stream = Vec::new();
    let follow = scene.account.follow(&id, &mut stream);
    let follow = follow.settle(Duration::from_mins(2));
    // The simulator's late files come when it is asked something.
    let poking = async {
        loop {
            scene.account.get(&id).await.unwrap();
            scene.time.sleep(Duration::from_secs(4)).await;
        }
    };
    let followed = tokio::select! {
        done = follow.into_future() => done.unwrap(),
        () = poking => unreachable!(),
    };
    assert!(!followed.is_partial());
    let seen = packets(&stream);
    let step = seen.windows(2).filter(|it| it[0].0 > it[1].0).count();
    assert_eq!(step, 1, "each in order");
    assert_eq!(sorted(seen), sorted(scene.collected(&id).await));

    // Who does not wait for them is told.
    let id = scene.full(Duration::from_secs(20)).await;
    let follow = scene.account.follow(&id, Vec::new());
    let followed = follow.settle(Duration::from_secs(10)).await.unwrap();
    assert!(followed.is_partial() && followed.reported > Some(followed.packets));
}

#[tokio::test]
async fn what_is_there_comes_while_the_capture_runs_and_a_file_that_grows_comes_once() {
    let scene = Scene::set(servers(1, 0)).await;
    let whole = std::fs::read(root().join("crates/pcaps-file/tests/data/dns.pcap")).unwrap();
    let torn = whole[..whole.len() / 2].to_vec();
    let expected = packets_of(&whole);
    let id = scene.full(Duration::from_mins(2)).await;
    let minute = Duration::from_mins(1);
    scene.put_after(minute / 3, &id, torn);
    scene.put_after(minute, &id, whole);
    let (stream, mut read) = tokio::io::duplex(1 << 20);
    let account = scene.account.clone();
    let following = tokio::spawn(async move { account.follow(&id, stream).await });
    let begun = scene.time.now();
    let mut seen = Vec::new();
    // The torn file is there before the capture has finished. (The clock goes on while another thread merges.)
    while packets_so_far(&seen) == 0 {
        read_some(&mut read, &mut seen).await;
    }
    let after = scene.time.now().duration_since(begun);
    assert!(after.as_secs() < 120, "{after}");
    read.read_to_end(&mut seen).await.unwrap();
    let followed = following.await.unwrap().unwrap();
    let extra = followed.files.iter().find(|it| it.key.starts_with("extra"));
    assert_eq!(extra.unwrap().state, FileState::Whole);
    let seen = packets(&seen);
    assert_eq!(seen[..expected.len()], expected);
    assert_eq!(followed.packets, seen.len() as u64);
    let first = &expected[0];
    assert_eq!(seen.iter().filter(|it| *it == first).count(), 1);
}

fn packets_of(file: &[u8]) -> Vec<Seen> {
    let mut reader = Reader::new(file, "a file").unwrap();
    let mut seen = Vec::new();
    while let Some(packet) = reader.next_packet().unwrap() {
        seen.push((packet.timestamp.as_nanos(), packet.bytes.to_vec()));
    }
    seen
}

async fn read_some(read: &mut DuplexStream, seen: &mut Vec<u8>) {
    let mut piece = [0; 4096];
    let count = read.read(&mut piece).await.unwrap();
    assert!(count > 0, "it has ended");
    seen.extend_from_slice(&piece[..count]);
}

/// Of a stream that is not at its end.
fn packets_so_far(stream: &[u8]) -> usize {
    let Ok(mut reader) = Reader::new(stream, "the stream") else {
        return 0;
    };
    let mut count = 0;
    while let Ok(Some(_)) = reader.next_packet() {
        count += 1;
    }
    count
}

#[tokio::test]
async fn a_capture_that_is_stopped_gives_what_it_has() {
    let scene = Scene::set(servers(2, 0)).await;
    let id = scene.full(Duration::from_hours(1)).await;
    let (account, time, stopped) = (scene.account.clone(), scene.time.clone(), id.clone());
    tokio::spawn(async move {
        time.sleep(Duration::from_secs(30)).await;
        account.stop(&stopped).await.unwrap();
    });
    let mut stream = Vec::new();
    let followed = scene.account.follow(&id, &mut stream).await.unwrap();
    assert!(!followed.is_partial() && followed.packets > 0);
    assert_eq!(packets(&stream).len() as u64, followed.packets);
}

#[tokio::test]
async fn a_bucket_that_is_gone_or_a_sample_is_an_error() {
    let scene = Scene::set(servers(2, 0)).await;
    let sample = Sample::new(Duration::from_secs(1), 5).unwrap();
    let sample = scene.account.start(sample).await.unwrap();
    let error = scene.account.follow(sample.id(), Vec::new()).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
    let id = scene.full(Duration::from_secs(20)).await;
    let elsewhere = "r2://other/d?account-id=acc".parse().unwrap();
    let follow = scene.account.follow(&id, Vec::new()).from(elsewhere);
    let error = follow.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[tokio::test]
async fn samples_follow_each_other_without_a_gap() {
    let scene = Scene::set(servers(1, 0)).await;
    let begun = scene.time.now();
    let sample = Sample::new(Duration::from_secs(30), 10_000).unwrap();
    let sample = sample.filter("udp and dst port 53".parse().unwrap());
    let mut stream = Vec::new();
    let four = scene.account.samples(sample, &mut stream).times(4);
    let sampled = four.await.unwrap();
    assert_eq!((sampled.samples, sampled.full), (4, 0));
    // The service takes one a minute.
    assert_eq!(scene.time.now().duration_since(begun).as_secs(), 180);
    let windows = scene.windows().await;
    assert_eq!(windows.len(), 4);
    assert_eq!(windows[0].1 - windows[0].0, 30);
    assert!(windows.windows(2).all(|it| it[0].1 == it[1].0));
    let seen = packets(&stream);
    assert_eq!(seen.len() as u64, sampled.packets);
    assert!(!seen.is_empty() && seen.is_sorted());
    assert!(seen.windows(2).all(|it| it[0] != it[1]), "each comes once");
}

#[tokio::test]
async fn what_a_failure_has_kept_back_comes_later() {
    let scene = Scene::set(servers(1, 0)).await;
    let sample = Sample::new(Duration::from_secs(10), 10_000).unwrap();
    let away = || Fault::answer(503, "text/plain", "away").unseen();
    scene.server.next(Operation::StartCapture, away());
    let error = scene.account.samples(sample.clone(), Vec::new()).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Service, "at once");
    let (stream, mut read) = tokio::io::duplex(1 << 20);
    let account = scene.account.clone();
    let sampling = tokio::spawn(async move { account.samples(sample, stream).times(3).await });
    let mut seen = Vec::new();
    while packets_so_far(&seen) == 0 {
        read_some(&mut read, &mut seen).await;
    }
    // Not the first: the same is sat out.
    for _ in 0..3 {
        scene.server.next(Operation::StartCapture, away());
    }
    read.read_to_end(&mut seen).await.unwrap();
    assert_eq!(sampling.await.unwrap().unwrap().samples, 3);
    let windows = scene.windows().await;
    assert_eq!(windows.len(), 3);
    assert!(
        windows.windows(2).all(|it| it[0].1 == it[1].0),
        "{windows:?}"
    );
    assert!(packets(&seen).is_sorted());
}

#[tokio::test]
async fn a_sample_too_soon_is_waited_for_among_others_and_an_error_alone() {
    let scene = Scene::set(servers(1, 0)).await;
    let sample = Sample::new(Duration::from_secs(10), 50).unwrap();
    scene.account.start(sample.clone()).await.unwrap();
    let policy = pcaps::RetryPolicy::default().attempts(1);
    let account = crate::support::account_by(scene.server.base_url(), &scene.time, policy);
    let begun: Timestamp = scene.time.now();
    let one = account.samples(sample.clone(), Vec::new()).times(1);
    let error = one.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited, "{error}");
    let mut stream = Vec::new();
    let two = account.samples(sample, &mut stream).times(2);
    let sampled = two.await.unwrap();
    assert_eq!((sampled.samples, sampled.full), (2, 2));
    assert_eq!(packets(&stream).len(), 100);
    assert!(scene.time.now().duration_since(begun).as_secs() >= 120);
}

#[tokio::test]
async fn a_writer_that_fails_ends_it() {
    let scene = Scene::set(servers(1, 0)).await;
    let (stream, read) = tokio::io::duplex(64);
    drop(read);
    let sample = Sample::new(Duration::from_secs(10), 50).unwrap();
    let error = scene.account.samples(sample, stream).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    // The service was not asked.
    assert!(scene.server.requests().is_empty());
}
