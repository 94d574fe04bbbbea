//! Full captures, from their bucket to one file.

use std::{
    collections::BTreeMap,
    fmt, fs,
    num::NonZeroU16,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::body::Bytes;
use futures_util::{StreamExt as _, stream::BoxStream};
use pcaps::{Account, CaptureId, Collecting, ErrorKind, FileState, Folder, Full};
use pcaps_file::{
    Reader, Summary,
    merge::{Input, Merge},
};
use pcaps_sim::{
    Files, Simulator,
    object_store::{
        CopyOptions, GetOptions, GetRange, GetResult, GetResultPayload, ListResult,
        MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMultipartOptions,
        PutOptions, PutPayload, PutResult, Result, path::Path as Key,
    },
};

use crate::{
    secrets::{self, KEY, KEY_ID},
    stage::destination,
    support::{ACCOUNT, TOKEN, dropped_when},
    time::Time,
};

/// What a store does in place of giving an object.
#[derive(Clone)]
enum Odd {
    /// It is not there any more.
    Gone,
    /// The body breaks off after so many bytes.
    Broken(usize),
    /// Nothing more comes after so many bytes.
    Stalled(usize),
    /// Another object takes its place first.
    Changed,
    /// What comes after so many bytes comes only once that is true, or else not at all.
    Held(usize, Arc<dyn Fn() -> bool + Send + Sync>),
    /// The same, and then another object takes its place, with these bytes.
    Replaced(usize, Arc<dyn Fn() -> bool + Send + Sync>, Bytes),
}

/// A capture of files of more than a megabyte.
const LONG: Duration = Duration::from_mins(5);

/// How often it is looked whether something is so, and how long between.
const LOOKS: u32 = 2_000;
const LOOK: Duration = Duration::from_millis(10);

async fn come(until: &Arc<dyn Fn() -> bool + Send + Sync>) {
    for _ in 0..LOOKS {
        if until() {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
    panic!("it does not come");
}

/// A store that counts what it is asked for, and does odd things to objects, once each.
#[derive(Clone)]
struct Watched {
    store: Arc<dyn ObjectStore>,
    gets: Arc<Mutex<Vec<(String, u64)>>>,
    odd: Arc<Mutex<BTreeMap<String, Odd>>>,
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

impl Watched {
    fn gets(&self) -> Vec<(String, u64)> {
        std::mem::take(&mut self.gets.lock().unwrap())
    }

    fn do_to(&self, key: &str, odd: Odd) {
        self.odd.lock().unwrap().insert(key.to_owned(), odd);
    }
}

fn not_found(key: &Key) -> pcaps_sim::object_store::Error {
    pcaps_sim::object_store::Error::NotFound {
        path: key.to_string(),
        source: "gone".into(),
    }
}

type Boxed<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl ObjectStore for Watched {
    fn put_opts<'a, 'b, 'c>(
        &'a self,
        key: &'b Key,
        payload: PutPayload,
        options: PutOptions,
    ) -> Boxed<'c, Result<PutResult>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        self.store.put_opts(key, payload, options)
    }

    fn put_multipart_opts<'a, 'b, 'c>(
        &'a self,
        key: &'b Key,
        options: PutMultipartOptions,
    ) -> Boxed<'c, Result<Box<dyn MultipartUpload>>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        self.store.put_multipart_opts(key, options)
    }

    fn get_opts<'a, 'b, 'c>(
        &'a self,
        key: &'b Key,
        options: GetOptions,
    ) -> Boxed<'c, Result<GetResult>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        Box::pin(async move {
            if options.head {
                return self.store.get_opts(key, options).await;
            }
            let from = match options.range {
                Some(GetRange::Offset(from)) => from,
                _ => 0,
            };
            self.gets.lock().unwrap().push((key.to_string(), from));
            let odd = self.odd.lock().unwrap().remove(key.as_ref());
            match odd {
                Some(Odd::Gone) => {
                    self.store.delete(key).await?;
                    return Err(not_found(key));
                }
                Some(Odd::Changed) => {
                    let bytes = self.store.get(key).await?.bytes().await?;
                    self.store.put(key, bytes.into()).await?;
                }
                _ => {}
            }
            let mut got = self.store.get_opts(key, options).await?;
            if let Some(
                Odd::Broken(after)
                | Odd::Stalled(after)
                | Odd::Held(after, _)
                | Odd::Replaced(after, ..),
            ) = odd
            {
                let meta = got.meta.clone();
                let extensions = got.extensions.clone();
                let (range, attributes) = (got.range.clone(), got.attributes.clone());
                let whole = got.bytes().await?;
                let (bytes, held) = (whole.slice(..after), whole.slice(after..));
                let first = futures_util::stream::iter([Ok(bytes)]);
                let rest = match odd {
                    Some(Odd::Broken(_)) => futures_util::stream::once(async {
                        Err(pcaps_sim::object_store::Error::Generic {
                            store: "Watched",
                            source: format!("broken, and {KEY} is quoted").into(),
                        })
                    })
                    .boxed(),
                    Some(Odd::Held(_, until)) => futures_util::stream::once(async move {
                        come(&until).await;
                        Ok(held)
                    })
                    .boxed(),
                    Some(Odd::Replaced(_, until, bytes)) => {
                        let (store, key) = (Arc::clone(&self.store), key.clone());
                        futures_util::stream::once(async move {
                            come(&until).await;
                            store.put(&key, bytes.into()).await?;
                            Err(pcaps_sim::object_store::Error::Generic {
                                store: "Watched",
                                source: "broken".into(),
                            })
                        })
                        .boxed()
                    }
                    _ => futures_util::stream::pending().boxed(),
                };
                got = GetResult {
                    payload: GetResultPayload::Stream(first.chain(rest).boxed()),
                    meta,
                    range,
                    attributes,
                    extensions,
                };
            }
            Ok(got)
        })
    }

    fn get_ranges<'a, 'b, 'd, 'c>(
        &'a self,
        key: &'b Key,
        ranges: &'d [Range<u64>],
    ) -> Boxed<'c, Result<Vec<axum::body::Bytes>>>
    where
        'a: 'c,
        'b: 'c,
        'd: 'c,
        Self: 'c,
    {
        self.store.get_ranges(key, ranges)
    }

    fn delete_stream(
        &self,
        keys: BoxStream<'static, Result<Key>>,
    ) -> BoxStream<'static, Result<Key>> {
        self.store.delete_stream(keys)
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.store.list(prefix)
    }

    fn list_with_delimiter<'a, 'b, 'c>(
        &'a self,
        prefix: Option<&'b Key>,
    ) -> Boxed<'c, Result<ListResult>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        self.store.list_with_delimiter(prefix)
    }

    fn copy_opts<'a, 'b, 'd, 'c>(
        &'a self,
        from: &'b Key,
        to: &'d Key,
        options: CopyOptions,
    ) -> Boxed<'c, Result<()>>
    where
        'a: 'c,
        'b: 'c,
        'd: 'c,
        Self: 'c,
    {
        self.store.copy_opts(from, to, options)
    }
}

/// A finished full capture in a bucket that is watched.
struct Scene {
    time: Time,
    simulator: Simulator,
    account: Account,
    store: Watched,
    prefix: Key,
    id: CaptureId,
    folder: tempfile::TempDir,
}

fn servers(servers: u16) -> Files {
    Files {
        servers: NonZeroU16::new(servers).unwrap(),
        ..Files::default()
    }
}

impl Scene {
    async fn set(files: Files) -> Self {
        Self::of(Duration::from_secs(2), files).await
    }

    /// Of a capture that took so long.
    async fn of(time_limit: Duration, files: Files) -> Self {
        secrets::watch_logs();
        let time = Time::start();
        let clock = time.clone();
        let simulator = Simulator::builder()
            .token(TOKEN)
            .account_id(ACCOUNT)
            .unlimited(true)
            .files(files)
            .clock(move || clock.now());
        let simulator = simulator.start().await.unwrap();
        let (store, prefix) = simulator.buckets().place("r2://b/d").unwrap();
        let store = Watched {
            store,
            gets: Arc::default(),
            odd: Arc::default(),
        };
        let folder = Folder::new(Arc::new(store.clone()), prefix.clone());
        let client = pcaps::Client::builder()
            .token(TOKEN)
            .base_url(simulator.base_url())
            .clock(time.clone())
            .random(|| 1.0)
            .buckets(move |uri| {
                assert!(!uri.contains(KEY_ID) && !uri.contains(KEY), "{uri}");
                Some(folder.clone())
            })
            .build()
            .unwrap();
        let account = client.account(ACCOUNT.parse().unwrap());
        let bucket = account.register_bucket(&destination()).await.unwrap();
        let challenge = prefix.clone().join(bucket.challenge_file().unwrap());
        let challenge = store.get(&challenge).await.unwrap().bytes().await.unwrap();
        let challenge = String::from_utf8(challenge.to_vec()).unwrap();
        let to = destination();
        account.validate_bucket(&to, challenge).await.unwrap();
        let full = Full::new("ORD", destination(), time_limit).unwrap();
        let id = account.start(full).await.unwrap().id().clone();
        account.wait(&id).await.unwrap();
        store.gets();
        Self {
            time,
            simulator,
            account,
            store,
            prefix,
            id,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn output(&self) -> PathBuf {
        self.folder.path().join("out.pcap")
    }

    fn parts(&self) -> PathBuf {
        self.folder.path().join("out.pcap.parts")
    }

    fn collect(&self) -> pcaps::Collect<'static> {
        self.account.collect(&self.id).to_path(self.output())
    }

    /// The key of a server's file.
    fn key(&self, server: u16) -> String {
        format!("{}/server-{server:02}/pcap_{}.pcap", self.prefix, self.id)
    }

    /// What is in the output is what comes of all files that are in the bucket, one after the other.
    async fn assert_is_merge_of_all(&self) {
        let apart = self.folder.path().join("apart");
        let collect = self.account.collect(&self.id).split_into(&apart);
        let collected = collect.settle(Duration::ZERO).await.unwrap();
        let files = collected.files.iter().map(|it| apart.join(&it.key));
        let mut merged = Vec::new();
        Merge::new()
            .run(files.map(Input::path), &mut merged)
            .unwrap();
        assert!(fs::read(self.output()).unwrap() == merged);
    }

    /// The keys of the capture's files.
    async fn keys(&self) -> Vec<String> {
        let objects = self.store.store.list(Some(&self.prefix));
        let keys = objects.map(|it| it.unwrap().location.to_string());
        let mut keys: Vec<_> = keys.collect().await;
        keys.retain(|it| Path::new(it).extension().is_some_and(|it| it == "pcap"));
        keys.sort();
        keys
    }
}

fn packets(path: &Path) -> u64 {
    let mut reader = Reader::open(path).unwrap();
    Summary::read(&mut reader).unwrap().packets()
}

/// From which byte each object was asked for.
fn whole(gets: &[(String, u64)]) -> usize {
    gets.iter().filter(|(_, from)| *from == 0).count()
}

#[tokio::test]
async fn three_hundred_files_become_one() {
    let scene = Scene::set(servers(300)).await;
    let collected = scene.collect().await.unwrap();
    assert_eq!(Some(collected.packets), collected.reported);
    assert!(collected.settled && !collected.is_partial());
    assert_eq!(packets(&scene.output()), collected.packets);
    let keys = scene.keys().await;
    assert_eq!(collected.files.len(), keys.len());
    assert_eq!(
        collected.files[0].key,
        keys[0].strip_prefix("r2/b/d/").unwrap()
    );
    assert_eq!(scene.store.gets().len(), keys.len());
    assert!(!scene.parts().exists());
    assert!(
        scene.time.pauses().iter().all(|it| it.as_secs() < 5),
        "nothing was waited for"
    );
}

#[tokio::test]
async fn what_is_torn_or_empty_is_told() {
    let files = Files {
        empty: 2,
        zero_length: 3,
        torn: 1,
        ..servers(20)
    };
    let scene = Scene::set(files).await;
    let collected = scene.collect().await.unwrap();
    assert!(collected.settled && collected.is_partial());
    let of = |wanted: fn(&FileState) -> bool| {
        collected
            .files
            .iter()
            .filter(|it| wanted(&it.state))
            .count()
    };
    assert_eq!(of(|it| matches!(it, FileState::Torn { .. })), 1);
    assert_eq!(of(|it| *it == FileState::Empty), 3);
    assert_eq!(Some(collected.packets + 1), collected.reported);
    assert_eq!(packets(&scene.output()), collected.packets);
    assert_eq!(collected.files.len(), scene.keys().await.len());
}

#[tokio::test]
async fn late_files_are_waited_for() {
    let files = Files {
        late: 5,
        late_by: Duration::from_secs(25),
        ..servers(5)
    };
    let scene = Scene::set(files).await;
    scene.time.pauses();
    let looking = scene.collect();
    // The simulator's late files come when it is asked something.
    let poking = async {
        loop {
            scene.account.get(&scene.id).await.unwrap();
            pcaps::Clock::sleep(&scene.time, Duration::from_secs(4)).await;
        }
    };
    let collected = tokio::select! {
        done = looking.into_future() => done.unwrap(),
        () = poking => unreachable!(),
    };
    assert_eq!(Some(collected.packets), collected.reported);
    assert!(!collected.is_partial());
}

#[tokio::test]
async fn no_file_at_all_is_an_error_that_says_what_to_check() {
    let scene = Scene::set(servers(2)).await;
    for key in scene.keys().await {
        scene.store.store.delete(&Key::from(key)).await.unwrap();
    }
    let error = scene.collect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error.to_string().contains("check that it is the bucket"),
        "{error}"
    );
    secrets::assert_none(&format!("{error} {error:?}"));
    assert!(!scene.output().exists() && !scene.parts().exists());
}

#[tokio::test]
async fn only_finished_full_captures_are_collected() {
    let scene = Scene::set(servers(2)).await;
    let sample = pcaps::Sample::new(Duration::from_secs(1), 5).unwrap();
    let sample = scene.account.start(sample).await.unwrap();
    let collect = scene.account.collect(sample.id()).to_path(scene.output());
    let error = collect.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("is a sample"), "{error}");
    let full = Full::new("ORD", destination(), Duration::from_mins(1)).unwrap();
    let running = scene.account.start(full).await.unwrap();
    let collect = scene.account.collect(running.id()).to_path(scene.output());
    let error = collect.await.unwrap_err();
    assert!(
        error.to_string().contains("wait until it has finished"),
        "{error}"
    );
    let error = scene.account.collect(&scene.id).await.unwrap_err();
    assert!(
        error.to_string().contains("where the packets go"),
        "{error}"
    );
}

#[tokio::test]
async fn what_was_fetched_is_not_fetched_again() {
    let scene = Scene::set(servers(40)).await;
    let number = scene.keys().await.len();
    let mut asked = 0;
    assert!(number > 20, "{number}");
    for after in [0, 1, 5, 12, 20] {
        // Dropped when so many are whole.
        let is_time = move |it: &Collecting| it.files >= after;
        dropped_when(is_time, |mut tell| {
            let collect = scene.collect().transfers(3);
            collect.on_progress(move |it| tell(&it))
        })
        .await;
        let manifest = fs::read_to_string(scene.parts().join("manifest.ndjson")).unwrap();
        secrets::assert_none(&manifest);
        assert!(!scene.output().exists());
        asked += scene.store.gets().len();
    }
    // A line that was being written when the process ended.
    let manifest = scene.parts().join("manifest.ndjson");
    let torn = fs::read_to_string(&manifest).unwrap() + "{\"event\":\"whole\",\"ke";
    fs::write(&manifest, torn).unwrap();
    let collected = scene.collect().await.unwrap();
    assert_eq!(Some(collected.packets), collected.reported);
    asked += scene.store.gets().len();
    // Of those that were under way each time, three at most, some are asked for again.
    assert!(asked <= number + 5 * 3, "{asked} of {number}");
    assert!(!scene.parts().exists());
}

#[tokio::test]
async fn nothing_whole_is_ever_asked_for_twice() {
    let scene = Scene::set(servers(10)).await;
    let broken = scene.key(4);
    // It has been fetched whole when it is merged: the output cannot be made.
    let collect = scene.collect();
    let output = scene.output();
    let mut done = false;
    let collect = collect.on_progress(move |it| {
        if it.phase == pcaps::Phase::Merging && !done {
            done = true;
            fs::create_dir(&output).unwrap();
        }
    });
    let error = collect.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("collect again"), "{error}");
    let number = scene.store.gets().len();
    fs::remove_dir(scene.output()).unwrap();
    // One changes meanwhile.
    let key = Key::from(broken.clone());
    let bytes = scene.store.store.get(&key).await.unwrap().bytes().await;
    let bytes = bytes.unwrap().into();
    scene.store.store.put(&key, bytes).await.unwrap();
    let collected = scene.collect().await.unwrap();
    assert_eq!(collected.files.len(), number);
    assert_eq!(scene.store.gets(), [(broken, 0)]);
    assert_eq!(Some(collected.packets), collected.reported);
}

#[tokio::test]
async fn a_body_that_breaks_or_stalls_goes_on() {
    let scene = Scene::set(servers(4)).await;
    scene.store.do_to(&scene.key(1), Odd::Broken(100));
    scene.store.do_to(&scene.key(2), Odd::Stalled(1_000));
    scene.time.run_out();
    let collected = scene.collect().await.unwrap();
    assert_eq!(Some(collected.packets), collected.reported);
    let gets = scene.store.gets();
    assert!(gets.contains(&(scene.key(1), 100)), "{gets:?}");
    assert!(gets.contains(&(scene.key(2), 1_000)), "{gets:?}");
    assert_eq!(whole(&gets), 4);
}

#[tokio::test]
async fn half_a_file_is_gone_on_with_by_the_next_run() {
    let scene = Scene::of(LONG, servers(1)).await;
    let key = scene.key(1);
    let object = scene.store.head(&key.as_str().into()).await.unwrap();
    let half = usize::try_from(object.size / 2).unwrap();
    // With so many the buffers are small: most of the half is in the file.
    let buffer = (8 << 20) / 256;
    assert!(half > 2 * buffer, "{half}");
    scene.store.do_to(&key, Odd::Stalled(half));
    let is_time = move |it: &Collecting| it.bytes >= half as u64;
    dropped_when(is_time, |mut tell| {
        let collect = scene.collect().transfers(256);
        collect.on_progress(move |it| tell(&it))
    })
    .await;
    let collected = scene.collect().await.unwrap();
    assert_eq!(Some(collected.packets), collected.reported);
    let gets = scene.store.gets();
    assert_eq!(gets.len(), 2);
    assert!(gets[1].1 > (half - buffer) as u64, "{gets:?} of {half}");
    assert!(gets[1].1 <= half as u64, "{gets:?} of {half}");
}

/// The merge has written something into the folder of parts.
fn is_merging(parts: &Path) -> bool {
    let names = fs::read_dir(parts).unwrap().map(|it| it.unwrap());
    let merged = names.filter(|it| it.file_name().to_str().unwrap().starts_with(".pcaps-"));
    merged.map(|it| it.metadata().unwrap().len()).sum::<u64>() > 0
}

#[tokio::test]
async fn merging_begins_before_the_last_file_is_whole() {
    let scene = Scene::of(LONG, servers(2)).await;
    let held = scene.key(1);
    let object = scene.store.head(&held.as_str().into()).await.unwrap();
    let (parts, len) = (scene.parts(), usize::try_from(object.size).unwrap());
    let until = move || is_merging(&parts);
    scene
        .store
        .do_to(&held, Odd::Held(len - 100, Arc::new(until)));
    // With so many the buffers are small.
    let collected = scene.collect().transfers(256).await.unwrap();
    assert_eq!(Some(collected.packets), collected.reported);
    assert_eq!(scene.store.gets().len(), 2, "of {len} bytes");
    scene.assert_is_merge_of_all().await;
}

#[tokio::test]
async fn what_was_merged_and_is_another_file_now_is_merged_again() {
    let scene = Scene::of(LONG, servers(2)).await;
    let [replaced, other] = [1, 2].map(|it| scene.key(it));
    let other = scene.store.store.get(&other.as_str().into()).await.unwrap();
    let (other, parts) = (other.bytes().await.unwrap(), scene.parts());
    let until = Arc::new(move || is_merging(&parts));
    // Both have more than a megabyte.
    let odd = Odd::Replaced(1 << 20, until, other);
    scene.store.do_to(&replaced, odd);
    // What is there then is not what the service reports.
    let collect = scene.collect().transfers(256).settle(Duration::ZERO);
    collect.await.unwrap();
    assert_eq!(scene.store.gets().len(), 4, "the second of them is refused");
    scene.assert_is_merge_of_all().await;
}

#[tokio::test]
async fn what_comes_after_the_merge_has_begun_is_in_the_file() {
    let scene = Scene::set(servers(4)).await;
    let (changed, late) = (scene.key(2), scene.key(3));
    let take = async |key: &str| {
        let key = Key::from(key);
        let bytes = scene.store.store.get(&key).await.unwrap().bytes().await;
        scene.store.store.delete(&key).await.unwrap();
        (key, bytes.unwrap())
    };
    let mut all = Vec::new();
    let collect = scene.account.collect(&scene.id).to_writer(&mut all);
    collect.await.unwrap();
    // One is there later, and one is cut short at first.
    let (late, late_bytes) = take(&late).await;
    let (changed, changed_bytes) = take(&changed).await;
    let short = changed_bytes.slice(..changed_bytes.len() / 2);
    scene.store.store.put(&changed, short.into()).await.unwrap();
    scene.time.run_out();
    let store = Arc::clone(&scene.store.store);
    let (mut bytes, parts) = (Some((late_bytes, changed_bytes)), scene.parts());
    let collect = scene.collect().on_progress(move |it| {
        if it.phase == pcaps::Phase::Settling
            && let Some((late_bytes, changed_bytes)) = bytes.take()
        {
            assert_eq!(it.files, 3);
            // What is there has been merged.
            let merged = (0..LOOKS).any(|_| {
                std::thread::sleep(LOOK);
                is_merging(&parts)
            });
            assert!(merged);
            let put = async {
                store.put(&late, late_bytes.into()).await.unwrap();
                store.put(&changed, changed_bytes.into()).await.unwrap();
            };
            futures_util::FutureExt::now_or_never(put).unwrap();
        }
    });
    let collected = collect.await.unwrap();
    assert!(!collected.is_partial());
    assert!(fs::read(scene.output()).unwrap() == all);
}

#[tokio::test]
async fn what_changes_or_vanishes_is_told() {
    let scene = Scene::set(servers(6)).await;
    scene.store.do_to(&scene.key(3), Odd::Gone);
    scene.store.do_to(&scene.key(5), Odd::Changed);
    let collected = scene
        .collect()
        .settle(Duration::from_secs(10))
        .await
        .unwrap();
    assert!(collected.is_partial());
    let vanished = collected
        .files
        .iter()
        .find(|it| it.state == FileState::Vanished);
    assert!(vanished.unwrap().key.starts_with("server-03"));
    assert_eq!(packets(&scene.output()), collected.packets);
    assert!(collected.reported > Some(collected.packets));
    assert_eq!(collected.files.len(), 6);
}

#[tokio::test]
async fn only_what_was_merged_is_deleted_and_only_afterwards() {
    let scene = Scene::set(Files {
        torn: 1,
        ..servers(8)
    })
    .await;
    let other = scene.prefix.clone().join("pcap_another.pcap");
    scene.store.store.put(&other, "other".into()).await.unwrap();
    let output = scene.output();
    let collect = scene
        .collect()
        .settle(Duration::from_secs(5))
        .delete_remote();
    let collect = collect.on_progress(move |it| {
        assert!(it.phase != pcaps::Phase::Deleting || output.is_file());
    });
    let collected = collect.await.unwrap();
    assert_eq!(collected.deleted, 7);
    assert_eq!(
        scene.keys().await,
        [other.to_string(), scene.key(1)],
        "the torn one stays"
    );
    // And nothing for a writer.
    let collect = scene
        .account
        .collect(&scene.id)
        .to_writer(tokio::io::sink());
    let error = collect.delete_remote().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn files_can_be_kept_apart_and_go_to_a_writer() {
    let scene = Scene::set(servers(5)).await;
    let split = scene.folder.path().join("apart");
    let mut bytes = Vec::new();
    let collect = scene.account.collect(&scene.id).split_into(&split);
    let collected = collect.to_writer(&mut bytes).await.unwrap();
    assert_eq!(collected.bytes, bytes.len() as u64);
    let apart = collected
        .files
        .iter()
        .map(|it| packets(&split.join(&it.key)));
    assert_eq!(apart.sum::<u64>(), collected.packets);
    let again = scene
        .account
        .collect(&scene.id)
        .split_into(&split)
        .await
        .unwrap();
    assert_eq!(again.packets, collected.packets);
    assert_eq!(fs::read_dir(scene.folder.path()).unwrap().count(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn parts_are_private_and_nobody_elses() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::set(servers(3)).await;
    let parts = scene.parts();
    let mode = Arc::new(Mutex::new(0));
    let (seen, folder) = (Arc::clone(&mode), parts.clone());
    let collect = scene.collect().on_progress(move |_| {
        if let Ok(it) = fs::metadata(&folder) {
            *seen.lock().unwrap() = it.permissions().mode() & 0o777;
        }
    });
    collect.await.unwrap();
    assert_eq!(*mode.lock().unwrap(), 0o700);
    fs::create_dir(&parts).unwrap();
    fs::write(parts.join("mine"), "keep").unwrap();
    let error = scene.collect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(fs::read(parts.join("mine")).unwrap(), b"keep");
    scene.simulator.shutdown().await;
}

/// The program and its files, with a simulator in another process.
#[cfg(unix)]
pub(crate) mod programs {
    use std::{
        process::{Child, Stdio},
        time::Instant,
    };

    use super::*;
    use crate::{
        sim::Sim,
        support::{Run, pcaps, run},
    };

    /// A finished capture of a simulator whose buckets are folders.
    pub(crate) struct Far {
        pub(crate) sim: Sim,
        folder: tempfile::TempDir,
    }

    const BUCKET: &str = "gs://captures/edge";

    impl Far {
        pub(crate) fn start() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let buckets = folder.path().join("buckets");
            let sim = Sim::start(&["--unlimited", "--buckets", buckets.to_str().unwrap()]);
            let far = Self { sim, folder };
            let added = far.run(&["bucket", "add", BUCKET, "--json"]).json();
            let name = added["filename"].as_str().unwrap();
            let challenge = fs::read_to_string(buckets.join("gs/captures/edge").join(name));
            let challenge = challenge.unwrap();
            far.run(&["bucket", "validate", BUCKET, "--challenge", &challenge])
                .ok();
            far
        }

        pub(crate) fn command(&self, arguments: &[&str]) -> std::process::Command {
            let map = self.folder.path().join("buckets/gs/captures");
            let mut command = self.sim.pcaps();
            command
                .current_dir(self.folder.path())
                .args(arguments)
                .args(["--bucket-map", &format!("gs://captures={}", map.display())]);
            command
        }

        pub(crate) fn run(&self, arguments: &[&str]) -> Run {
            run(&mut self.command(arguments))
        }

        /// A capture of two seconds.
        pub(crate) fn capture(&self) -> String {
            let full = [
                "start",
                "full",
                "--colo",
                "ORD",
                "--bucket",
                BUCKET,
                "--time-limit",
                "2s",
                "--json",
            ];
            let started = self.run(&full).json();
            let id = started["id"].as_str().unwrap().to_owned();
            self.run(&["wait", &id]).ok();
            id
        }

        /// A file beside its captures.
        pub(crate) fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        /// Has one of a capture's files end early.
        pub(crate) fn tear(&self, id: &str) {
            let file = self.file(id);
            let whole = fs::read(&file).unwrap();
            fs::write(&file, &whole[..whole.len() - 1]).unwrap();
        }

        /// One of a capture's files: not every server has seen traffic.
        fn file(&self, id: &str) -> PathBuf {
            let edge = fs::read_dir(self.path("buckets/gs/captures/edge")).unwrap();
            let name = format!("pcap_{id}.pcap");
            let mut files = edge.map(|it| it.unwrap().path().join(&name));
            files.find(|it| it.exists()).unwrap()
        }

        fn spawn(&self, arguments: &[&str]) -> Child {
            let mut command = self.command(arguments);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        }
    }

    fn signal(child: &Child) {
        let kill = std::process::Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
    }

    /// Waits until the child has started a capture and hears signals.
    fn started(child: &mut Child) -> std::io::BufReader<std::process::ChildStderr> {
        use std::io::BufRead as _;
        let mut said = std::io::BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("status:") {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "it ended");
        }
        said
    }

    #[test]
    fn killed_at_any_moment_it_ends_with_the_same_file() {
        let far = Far::start();
        let id = far.capture();
        // More files: the same under other keys.
        let edge = far.folder.path().join("buckets/gs/captures/edge");
        let (file, name) = (far.file(&id), format!("pcap_{id}.pcap"));
        for number in 0..300 {
            let folder = edge.join(format!("copy-{number:03}"));
            fs::create_dir(&folder).unwrap();
            fs::copy(&file, folder.join(&name)).unwrap();
        }
        let begun = Instant::now();
        far.run(&["fetch", &id, "-o", "whole.pcap"]).ok();
        let took = begun.elapsed();
        let whole = fs::read(far.folder.path().join("whole.pcap")).unwrap();
        let output = far.folder.path().join("out.pcap");
        let mut killed = 0;
        for _ in 0..20 {
            let mut child = far.spawn(&["fetch", &id, "-o", "out.pcap"]);
            let random = u64::from(std::process::id()) ^ u64::from(begun.elapsed().subsec_nanos());
            let part = u32::try_from(random % 100).unwrap();
            // What is killed is a process: there is no clock of ours to move.
            std::thread::sleep(took * part / 100);
            child.kill().unwrap();
            let ended = child.wait().unwrap();
            killed += u32::from(ended.code().is_none());
            if ended.code().is_none() && output.exists() {
                assert_eq!(fs::read(&output).unwrap(), whole, "whole or not there");
            }
            far.run(&["fetch", &id, "-o", "out.pcap"]).ok();
            assert!(fs::read(&output).unwrap() == whole, "after {part} %");
            fs::remove_file(&output).unwrap();
            assert!(!far.folder.path().join("out.pcap.parts").exists());
            let names = fs::read_dir(far.folder.path()).unwrap();
            let mut names = names.map(|it| it.unwrap().file_name());
            assert!(!names.any(|it| it.to_str().unwrap().starts_with(".pcaps-")));
        }
        assert!(killed > 5, "{killed}");
    }

    #[test]
    fn the_first_interruption_stops_and_collects_the_second_leaves() {
        let far = Far::start();
        let full = [
            "capture",
            "full",
            "--colo",
            "ORD",
            "--bucket",
            BUCKET,
            "--time-limit",
            "10m",
            "-o",
            "full.pcap",
        ];
        let mut child = far.spawn(&full);
        let mut said = started(&mut child);
        // So that there is something to collect.
        std::thread::sleep(Duration::from_secs(5));
        signal(&child);
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut said, &mut rest).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{rest}");
        assert!(packets(&far.folder.path().join("full.pcap")) > 0);

        let mut child = far.spawn(&full);
        let mut said = started(&mut child);
        signal(&child);
        let mut line = String::new();
        while !line.contains("stopping") {
            line.clear();
            assert!(std::io::BufRead::read_line(&mut said, &mut line).unwrap() > 0);
        }
        signal(&child);
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut said, &mut rest).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{rest}");
        let command = format!("-o full.pcap --bucket {BUCKET}");
        assert!(
            rest.contains("&& pcaps fetch ") && rest.contains(&command),
            "{rest}"
        );
    }

    #[test]
    fn a_simulated_capture_comes_as_a_document_or_a_stream() {
        let full = [
            "capture",
            "full",
            "--simulate",
            "--colo",
            "ORD",
            "--bucket",
            BUCKET,
            // Within one second there may be no packet.
            "--time-limit",
            "3s",
            "-o",
        ];
        let folder = tempfile::tempdir().unwrap();
        let mut command = pcaps();
        command
            .current_dir(folder.path())
            .args(full)
            .args(["x.pcap", "--json"]);
        let document = run(&mut command).json();
        assert_eq!(document["collected"]["partial"], false);
        assert_eq!(
            document["collected"]["packets"],
            document["summary"]["packets"]
        );
        assert_eq!(document["collected"]["files"][0]["state"], "whole");
        let streamed = pcaps().args(full).arg("-").output().unwrap();
        assert_eq!(streamed.status.code(), Some(0));
        let mut reader = Reader::new(&*streamed.stdout, "it").unwrap();
        assert!(reader.next_packet().unwrap().is_some());
    }
}
