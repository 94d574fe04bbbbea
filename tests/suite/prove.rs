//! The proof that a bucket is the caller's, against the simulator.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use pcaps::{Account, Bucket, ErrorKind, Folder, Prove, Proving};
use pcaps_sim::{
    Simulator,
    faults::{Delivery, Fault, FaultServer, Operation, Place},
    object_store::{ObjectStoreExt as _, memory::InMemory, path::Path as Key},
};
use serde_json::{Value, json};

use crate::{
    secrets::{self, KEY, KEY_ID},
    stage::{destination, simulator},
    support::{ACCOUNT, TOKEN, account_at, dropped_when},
    time::Time,
};

/// A service, and a bucket that is where the service writes to, or somewhere else.
struct Scene {
    time: Time,
    simulator: Simulator,
    server: Arc<FaultServer>,
    account: Account,
    /// Past the faults.
    direct: Account,
    /// Where the service writes to.
    bucket: Folder,
    /// Where the account looks.
    seen: Folder,
    /// How often it has asked where that is.
    opened: Arc<AtomicUsize>,
    steps: Arc<Mutex<Vec<String>>>,
}

impl Scene {
    async fn set() -> Self {
        Self::looking_at(None).await
    }

    /// The account looks into a folder of its own, and finds there what the test puts there.
    async fn apart() -> Self {
        let folder = Folder::new(Arc::new(InMemory::new()), Key::from("d"));
        Self::looking_at(Some(folder)).await
    }

    async fn looking_at(seen: Option<Folder>) -> Self {
        secrets::watch_logs();
        let time = Time::start();
        let simulator = simulator(&time).await;
        let server = Arc::new(FaultServer::before(&simulator).await.unwrap());
        let (store, prefix) = simulator.buckets().place("r2://b/d").unwrap();
        let bucket = Folder::new(store, prefix);
        let seen = seen.unwrap_or_else(|| bucket.clone());
        let opened = Arc::new(AtomicUsize::new(0));
        let (folder, count) = (seen.clone(), Arc::clone(&opened));
        let client = pcaps::Client::builder()
            .token(TOKEN)
            .base_url(server.base_url())
            .clock(time.clone())
            .random(|| 1.0)
            .buckets(move |uri| {
                secrets::assert_none(uri);
                count.fetch_add(1, Ordering::Relaxed);
                Some(folder.clone())
            })
            .build()
            .unwrap();
        Self {
            account: client.account(ACCOUNT.parse().unwrap()),
            direct: account_at(simulator.base_url(), &time),
            time,
            simulator,
            server,
            bucket,
            seen,
            opened,
            steps: Arc::default(),
        }
    }

    /// A proof that writes down what it tells.
    fn prove(&self) -> Prove {
        self.prove_and(|_| {})
    }

    fn prove_and(&self, mut then: impl FnMut(&Proving) + Send + 'static) -> Prove {
        let steps = Arc::clone(&self.steps);
        let prove = self.account.prove(&destination());
        secrets::assert_none(&format!("{prove:?}"));
        prove.on_progress(move |step| {
            let told = format!("{step:?}");
            secrets::assert_none(&told);
            let name = told.split([' ', '(']).next().unwrap().to_owned();
            steps.lock().unwrap().push(name);
            then(step);
        })
    }

    /// What was told since the last time, without repetitions.
    fn steps(&self) -> Vec<String> {
        let mut steps = std::mem::take(&mut *self.steps.lock().unwrap());
        steps.dedup();
        steps
    }

    /// What the service was asked for.
    fn asked(&self) -> Vec<Operation> {
        let requests = self.server.requests();
        requests.iter().map(|it| it.operation.unwrap()).collect()
    }

    fn times(&self, operation: Operation) -> usize {
        self.asked().iter().filter(|it| **it == operation).count()
    }

    /// Registers the bucket, and gives it and its challenge, which is searched for from now on.
    async fn registered(&self) -> (Bucket, String) {
        let bucket = self.direct.register_bucket(&destination()).await.unwrap();
        let key = self.bucket.prefix().clone();
        let key = key.join(bucket.challenge_file().unwrap());
        let content = self.bucket.store().get(&key).await.unwrap().bytes().await;
        let challenge = String::from_utf8(content.unwrap().to_vec()).unwrap();
        secrets::keep(&challenge);
        (bucket, challenge)
    }

    /// Puts a file where the account looks.
    async fn put(&self, key: &Key, content: &str) {
        let content = content.to_owned().into();
        self.seen.store().put(key, content).await.unwrap();
    }

    fn key(&self, bucket: &Bucket) -> Key {
        let prefix = self.seen.prefix().clone();
        prefix.join(bucket.challenge_file().unwrap())
    }
}

/// An answer in place of the simulator's, which does not hear of the request.
fn instead(result: &Value) -> Fault {
    let envelope = json!({"success": true, "errors": [], "messages": [], "result": result});
    Fault::answer(200, "application/json", envelope.to_string()).unseen()
}

/// The bucket with another status, as it is listed.
fn with_status(bucket: &Bucket, status: &str) -> Value {
    let mut bucket = serde_json::to_value(bucket).unwrap();
    bucket["status"] = status.into();
    bucket
}

#[tokio::test]
async fn a_bucket_is_proven_from_nothing() {
    let scene = Scene::set().await;
    let bucket = scene.prove().await.unwrap();
    assert!(bucket.is_validated());
    assert_eq!(scene.steps(), ["Checking", "Registering", "Validating"]);
    let asked = [
        Operation::ListBuckets,
        Operation::RegisterBucket,
        Operation::ValidateBucket,
    ];
    assert_eq!(scene.asked(), asked);
    assert!(scene.time.pauses().is_empty());
    // Full captures may go there now, and a second time nothing is to be done.
    let opened = scene.opened.load(Ordering::Relaxed);
    let again = scene.prove().await.unwrap();
    assert_eq!(again.id(), bucket.id());
    assert!(scene.steps().is_empty());
    assert_eq!(scene.asked().len(), asked.len() + 1);
    assert_eq!(scene.opened.load(Ordering::Relaxed), opened);
    let full = pcaps::Full::new("ORD", destination(), Duration::from_secs(1)).unwrap();
    scene.account.start(full).await.unwrap();
    scene.simulator.shutdown().await;
}

#[tokio::test]
async fn one_that_is_registered_is_not_registered_again() {
    let scene = Scene::set().await;
    let (registered, _) = scene.registered().await;
    let bucket = scene.prove().await.unwrap();
    assert_eq!(bucket.id(), registered.id());
    assert_eq!(scene.steps(), ["Checking", "Validating"]);
    assert_eq!(scene.times(Operation::RegisterBucket), 0);
}

/// A service may compare URIs letter by letter.
#[tokio::test]
async fn the_challenge_is_sent_by_the_uri_that_was_registered() {
    let scene = Scene::set().await;
    let spelled =
        format!("r2://b/d/?account-id=acc&access-key-id={KEY_ID}&secret-access-key={KEY}");
    let spelled = spelled.parse().unwrap();
    scene.direct.register_bucket(&spelled).await.unwrap();
    scene.prove().await.unwrap();
    let requests = scene.server.requests();
    let sent = requests
        .iter()
        .find(|it| it.operation == Some(Operation::ValidateBucket));
    let body = String::from_utf8_lossy(&sent.unwrap().body).into_owned();
    assert!(body.contains("r2://b/d/?account-id=acc"), "{body}");
}

#[tokio::test]
async fn dropped_at_any_step_it_goes_on_from_there() {
    for step in ["Checking", "Registering", "AwaitingChallenge", "Validating"] {
        let scene = Scene::apart().await;
        if step == "Validating" {
            let (bucket, challenge) = scene.registered().await;
            scene.put(&scene.key(&bucket), &challenge).await;
        }
        let is_there = move |it: &Proving| format!("{it:?}").starts_with(step);
        dropped_when(is_there, |tell| scene.prove_and(tell)).await;
        let (bucket, challenge) = scene.registered().await;
        scene.put(&scene.key(&bucket), &challenge).await;
        let proven = scene.prove().await.unwrap();
        assert!(proven.is_validated(), "{step}");
        assert_eq!(proven.id(), bucket.id(), "{step}");
        let buckets = scene.direct.list_buckets().await.unwrap();
        assert_eq!(buckets.len(), 1, "{step}");
    }
}

#[tokio::test]
async fn a_challenge_may_come_late_and_at_the_root() {
    for at_root in [false, true] {
        let scene = Scene::apart().await;
        let (bucket, challenge) = scene.registered().await;
        let key = if at_root {
            Key::from(bucket.challenge_file().unwrap())
        } else {
            scene.key(&bucket)
        };
        let store = Arc::clone(scene.seen.store());
        // Empty at first: it is being written.
        store.put(&key, "\n".into()).await.unwrap();
        let late = Arc::new(Mutex::new(0));
        let count = Arc::clone(&late);
        let content = format!("  {challenge}\n");
        let prove = scene.prove_and(move |step| {
            if let Proving::AwaitingChallenge { elapsed, .. } = step {
                *count.lock().unwrap() += 1;
                if *elapsed >= Duration::from_secs(100) {
                    let (store, key) = (Arc::clone(&store), key.clone());
                    let content = content.clone().into();
                    tokio::spawn(async move { store.put(&key, content).await });
                }
            }
        });
        prove.await.unwrap();
        assert_eq!(
            scene.steps(),
            ["Checking", "AwaitingChallenge", "Validating"]
        );
        assert_eq!(*late.lock().unwrap(), 21);
        let pauses = scene.time.pauses();
        assert!(pauses.iter().all(|it| it.as_secs() == 5), "{pauses:?}");
        // And meanwhile the service was asked whether it is still wanted, now and then.
        assert_eq!(scene.times(Operation::ListBuckets), 1 + 21 / 6);
    }
}

#[tokio::test]
async fn a_challenge_that_never_comes_is_given_up() {
    let scene = Scene::apart().await;
    let error = scene.prove().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let text = error.to_string();
    assert!(
        text.contains("ownership-challenge-") && text.contains("may write"),
        "{text}"
    );
    secrets::assert_none(&format!("{text} {error:?}"));
    let waited: Duration = scene.time.pauses().iter().sum();
    assert_eq!(waited, Duration::from_mins(5));
}

#[tokio::test]
async fn what_is_no_challenge_is_not_sent_anywhere() {
    let long = "x".repeat(5_000);
    let scene = Scene::apart().await;
    let (bucket, _) = scene.registered().await;
    scene.put(&scene.key(&bucket), &long).await;
    let error = scene.prove().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
    assert!(error.to_string().contains("4096 bytes"), "{error}");
    assert_eq!(scene.times(Operation::ValidateBucket), 0);
}

#[tokio::test]
async fn a_wrong_challenge_is_a_proof_that_failed() {
    const WRONG: &str = "a-challenge-of-somebody-else";
    let scene = Scene::apart().await;
    let (bucket, _) = scene.registered().await;
    secrets::keep(WRONG);
    scene.put(&scene.key(&bucket), WRONG).await;
    let error = scene.prove().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProofFailed);
    let text = error.to_string();
    assert!(text.contains("this is not the challenge"), "{text}");
    assert!(text.contains("prove the bucket again"), "{text}");
    secrets::assert_none(&format!("{text} {error:?}"));
    assert_eq!(scene.times(Operation::ValidateBucket), 1);
}

#[tokio::test]
async fn the_service_may_take_its_time() {
    let scene = Scene::set().await;
    let (bucket, _) = scene.registered().await;
    let pending = with_status(&bucket, "pending");
    // It has heard, and takes its time to say so.
    scene
        .server
        .always(Operation::ValidateBucket, instead(&pending));
    let listed = instead(&json!([pending]));
    scene.server.always(Operation::ListBuckets, listed);
    let (server, simulator) = (Arc::clone(&scene.server), scene.direct.clone());
    let seen = Arc::clone(scene.seen.store());
    let key = scene.key(&bucket);
    let prove = scene.prove_and(move |step| {
        if let Proving::Pending { elapsed, .. } = step
            && *elapsed > Duration::from_mins(9)
        {
            server.clear();
            let (simulator, seen, key) = (simulator.clone(), Arc::clone(&seen), key.clone());
            tokio::spawn(async move {
                let challenge = seen.get(&key).await.unwrap().bytes().await.unwrap();
                let challenge = String::from_utf8(challenge.to_vec()).unwrap();
                simulator.validate_bucket(&destination(), challenge).await
            });
        }
    });
    let proven = prove.await.unwrap();
    assert!(proven.is_validated());
    assert_eq!(scene.steps(), ["Checking", "Validating", "Pending"]);
    assert_eq!(scene.times(Operation::ValidateBucket), 1);
    let looks = scene.times(Operation::ListBuckets);
    assert!((20..40).contains(&looks), "{looks}");
}

#[tokio::test]
async fn an_outage_meanwhile_is_sat_out() {
    let scene = Scene::set().await;
    let (bucket, _) = scene.registered().await;
    let pending = instead(&with_status(&bucket, "pending"));
    scene.server.next(Operation::ValidateBucket, pending);
    let listed = instead(&json!([with_status(&bucket, "pending")]));
    scene.server.next(Operation::ListBuckets, listed);
    for _ in 0..8 {
        let down = Fault::answer(503, "text/plain", "later").unseen();
        scene.server.next(Operation::ListBuckets, down);
    }
    let listed = instead(&json!([with_status(&bucket, "success")]));
    scene.server.next(Operation::ListBuckets, listed);
    scene.prove().await.unwrap();
    assert_eq!(
        scene.steps(),
        ["Checking", "Validating", "Pending", "Failing"]
    );
    // But not at the beginning, and not for ever.
    let down = Fault::answer(503, "text/plain", "later").unseen();
    scene.server.always(Operation::ListBuckets, down);
    let error = scene.prove().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Service);
}

#[tokio::test]
async fn a_proof_that_failed_is_begun_anew() {
    let scene = Scene::set().await;
    let (bucket, _) = scene.registered().await;
    let failed = instead(&with_status(&bucket, "failed"));
    scene.server.next(Operation::ValidateBucket, failed);
    let error = scene.prove().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProofFailed);
    assert!(error.to_string().contains(bucket.id().as_str()), "{error}");
    secrets::assert_none(&format!("{error} {error:?}"));
    scene.steps();
    let listed = instead(&json!([with_status(&bucket, "failed")]));
    scene.server.next(Operation::ListBuckets, listed);
    assert!(scene.prove().await.unwrap().is_validated());
    assert_eq!(scene.steps(), ["Checking", "Registering", "Validating"]);
}

#[tokio::test]
async fn answers_that_get_lost_are_looked_for() {
    let scene = Scene::set().await;
    let lost = Delivery::Reset(Place::BeforeHead);
    scene.server.next(Operation::RegisterBucket, lost);
    scene.server.next(Operation::ValidateBucket, lost);
    assert!(scene.prove().await.unwrap().is_validated());
    assert_eq!(
        scene.steps(),
        ["Checking", "Registering", "Validating", "Failing"]
    );
    assert_eq!(scene.times(Operation::RegisterBucket), 1);
    assert_eq!(scene.times(Operation::ValidateBucket), 1);
}

#[tokio::test]
async fn a_bucket_that_is_removed_meanwhile_is_told() {
    let scene = Scene::apart().await;
    let (bucket, _) = scene.registered().await;
    let (direct, id) = (scene.direct.clone(), bucket.id().clone());
    let prove = scene.prove_and(move |step| {
        if matches!(step, Proving::AwaitingChallenge { elapsed, .. } if elapsed.as_secs() == 10) {
            let (direct, id) = (direct.clone(), id.clone());
            tokio::spawn(async move { direct.remove_bucket(&id).await });
        }
    });
    let error = prove.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("any more"), "{error}");
}

#[tokio::test]
async fn a_deadline_tells_how_far_it_came() {
    let scene = Scene::apart().await;
    let prove = scene.prove().deadline(Duration::from_secs(42));
    let error = prove.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlinePassed);
    let text = error.to_string();
    assert!(text.contains("still \"pending\" after 42s"), "{text}");
    let waited: Duration = scene.time.pauses().iter().sum();
    assert_eq!(waited, Duration::from_secs(42));
}

#[tokio::test]
async fn a_service_that_stalls_is_no_reason_to_wait_longer() {
    let scene = Scene::set().await;
    let stall = Delivery::Stall(Place::BeforeHead);
    scene.server.always(Operation::ListBuckets, stall);
    scene.time.run_out();
    let prove = scene.prove().deadline(Duration::from_secs(1));
    let error = prove.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlinePassed, "{error}");
}

#[tokio::test]
async fn a_full_capture_that_is_refused_says_what_to_do() {
    let scene = Scene::set().await;
    let full = || pcaps::Full::new("ORD", destination(), Duration::from_secs(1)).unwrap();
    for _ in 0..2 {
        let error = scene.account.start(full()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.to_string().contains("pcaps bucket prove"), "{error}");
        scene.registered().await;
    }
}

/// The program.
#[cfg(unix)]
mod programs {
    use std::{
        io::{BufRead as _, BufReader, Read as _},
        process::{Command, Stdio},
    };

    use crate::{
        sim::Sim,
        support::{filtered, pcaps, run},
    };

    const BUCKET: &str = "gs://captures/edge";
    const R2: &str = "r2://b/d?account-id=acc&access-key-id=hunter2&secret-access-key=hunter2";

    /// The program with a simulator, and what it finds in place of the bucket.
    fn at(sim: &Sim, arguments: &[&str], store: &str) -> Command {
        let mut command = sim.pcaps();
        command.args(arguments).args(["--bucket-map", store]);
        command
    }

    #[test]
    fn one_command_is_enough() {
        let folder = tempfile::tempdir().unwrap();
        let buckets = folder.path().join("buckets");
        let sim = Sim::start(&["--unlimited", "--buckets", buckets.to_str().unwrap()]);
        let map = format!("gs://captures={}", buckets.join("gs/captures").display());
        let first = run(&mut at(&sim, &["bucket", "prove", BUCKET], &map)).ok();
        filtered(|| {
            let mut settings = insta::Settings::clone_current();
            settings.add_filter(r"\b[0-9a-f]{32}\b", "[ID]");
            settings.add_filter(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?Z", "[TIME]");
            settings.bind(|| insta::assert_snapshot!("first", first.text()));
        });
        let again = run(&mut at(&sim, &["bucket", "prove", BUCKET, "--json"], &map));
        assert_eq!(again.json()["status"], "success");
        assert_eq!(again.stderr, "");
        let listed = run(&mut at(&sim, &["bucket", "list"], &map)).ok();
        assert!(
            listed.stdout.contains("success") && listed.stdout.contains("REGISTERED"),
            "{}",
            listed.text()
        );
    }

    #[test]
    fn it_can_be_tried_without_an_account() {
        let run = run(pcaps().args(["bucket", "prove", BUCKET, "--simulate", "--json"]));
        assert_eq!(run.json()["status"], "success");
    }

    #[test]
    fn interrupted_it_says_which_command_goes_on() {
        let sim = Sim::start(&["--unlimited"]);
        for (uri, says) in [
            (
                BUCKET,
                "`pcaps bucket prove gs://captures/edge --bucket-map",
            ),
            (
                R2,
                "`pcaps bucket prove 'r2://b/d?account-id=acc' --bucket-map",
            ),
        ] {
            let place = uri.split_once('?').map_or(uri, |it| it.0);
            let map = format!("{place}=memory:");
            let mut command = at(&sim, &["bucket", "prove", uri], &map);
            command.stderr(Stdio::piped()).stdout(Stdio::piped());
            let mut child = command.spawn().unwrap();
            let mut said = BufReader::new(child.stderr.take().unwrap());
            let mut text = String::new();
            while !text.contains("waiting for ownership-challenge-") {
                assert!(said.read_line(&mut text).unwrap() > 0, "{text}");
            }
            let id = child.id().to_string();
            let kill = Command::new("kill").args(["-INT", &id]).status();
            assert!(kill.unwrap().success());
            said.read_to_string(&mut text).unwrap();
            assert_eq!(child.wait().unwrap().code(), Some(130), "{text}");
            assert!(text.contains(says), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn time_that_is_up_has_its_code() {
        let sim = Sim::start(&["--unlimited"]);
        let arguments = ["bucket", "prove", BUCKET, "--timeout", "1s"];
        let run = run(&mut at(&sim, &arguments, "gs://captures=memory:"));
        assert_eq!(run.code, Some(7), "{}", run.text());
        assert!(run.stderr.contains("go on with `pcaps bucket prove"));
    }

    #[test]
    fn a_uri_comes_from_standard_input_too() {
        use std::io::Write as _;
        let mut command = pcaps();
        command.args(["bucket", "prove", "-", "--simulate", "--json"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        writeln!(stdin, "{R2}").unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}
