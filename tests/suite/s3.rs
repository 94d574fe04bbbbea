//! Buckets on a real S3 server, in this process and on a real socket, through the program as people run it.

use std::{
    collections::BTreeSet,
    fs,
    pin::Pin,
    process::Command,
    sync::{Arc, Mutex},
};

use axum::{Router, error_handling::HandleError, http::StatusCode};
use pcaps_file::{Reader, Summary};
use pcaps_sim::{
    Buckets, Simulator, Store,
    faults::Operation,
    object_store::{aws::AmazonS3Builder, path::Path as Key},
};
use s3s::{
    S3Result,
    access::{S3Access, S3AccessContext},
    auth::SimpleAuth,
    s3_error,
    service::S3ServiceBuilder,
};

use crate::support::{Run, pcaps_of, run};

const ID: &str = "AKIDOFTHES3SERVER";
const SECRET: &str = "secret/of+the=s3-server";
const BUCKET: &str = "s3://captures/edge?region=eu-west-1";

/// Operations of S3 that nobody may use.
#[derive(Clone, Default)]
struct Denied(Arc<Mutex<BTreeSet<&'static str>>>);

impl S3Access for Denied {
    // As `async_trait` writes it.
    fn check<'a, 'b, 'c, 'd>(
        &'a self,
        context: &'b mut S3AccessContext<'c>,
    ) -> Pin<Box<dyn Future<Output = S3Result<()>> + Send + 'd>>
    where
        'a: 'd,
        'b: 'd,
        'c: 'd,
        Self: 'd,
    {
        let name = context.s3_op().name();
        let denied = context.credentials().is_none() || self.0.lock().unwrap().contains(name);
        Box::pin(async move {
            if denied {
                return Err(s3_error!(AccessDenied, "not for you"));
            }
            Ok(())
        })
    }
}

/// A simulator that writes to a bucket of an S3 server.
struct Scene {
    simulator: Simulator,
    url: String,
    denied: Denied,
    folder: tempfile::TempDir,
}

impl Scene {
    async fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("s3");
        fs::create_dir_all(root.join("captures")).unwrap();
        let denied = Denied::default();
        let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(&root).unwrap());
        service.set_auth(SimpleAuth::from_single(ID, SECRET));
        service.set_access(denied.clone());
        let service = HandleError::new(service.build(), |_| async {
            StatusCode::INTERNAL_SERVER_ERROR
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback_service(service);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let store = AmazonS3Builder::new()
            .with_bucket_name("captures")
            .with_endpoint(&url)
            .with_allow_http(true)
            .with_access_key_id(ID)
            .with_secret_access_key(SECRET)
            .build()
            .unwrap();
        let store = Store::new(Arc::new(store), Key::ROOT);
        let buckets = Buckets::memory().map("s3://captures", store).unwrap();
        let simulator = Simulator::builder().buckets(buckets).unlimited(true);
        Self {
            simulator: simulator.start().await.unwrap(),
            url,
            denied,
            folder,
        }
    }

    /// The program, with the server and its keys in the environment.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.without_keys(arguments);
        command
            .env("AWS_ACCESS_KEY_ID", ID)
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            .env("AWS_ENDPOINT_URL_S3", &self.url);
        command
    }

    fn without_keys(&self, arguments: &[&str]) -> Command {
        let mut command = pcaps_of(&self.simulator);
        command
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        checked(&mut self.command(arguments))
    }

    /// How often a bucket was registered.
    fn registered(&self) -> usize {
        let requests = self.simulator.requests();
        let registered = |it: &&pcaps_sim::Request| it.operation == Some(Operation::RegisterBucket);
        requests.iter().filter(registered).count()
    }
}

/// A run that shows no secret.
fn checked(command: &mut Command) -> Run {
    let run = run(command);
    for secret in [ID, SECRET, "hunter2", "StringToSign", "<Error>"] {
        assert!(!run.text().contains(secret), "{secret}: {}", run.text());
    }
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn from_an_unknown_bucket_to_one_file() {
    let scene = Scene::set().await;
    let proven = scene.run(&["bucket", "prove", BUCKET, "--json", "--verbose"]);
    // Requests to the bucket are shown too, without what queries may hold.
    let shown = |line: &str| line.starts_with("> GET ") && line.ends_with("/captures");
    assert!(proven.stderr.lines().any(shown), "{}", proven.text());
    assert_eq!(proven.json()["status"], "success");
    let capture = [
        "capture",
        "full",
        "--colo",
        "ORD",
        "--bucket",
        BUCKET,
        // Within one second there may be no packet.
        "--time-limit",
        "3s",
        "-o",
        "edge.pcap",
        "--json",
    ];
    let document = scene.run(&capture).json();
    assert_eq!(document["collected"]["partial"], false);
    let mut reader = Reader::open(scene.folder.path().join("edge.pcap")).unwrap();
    let packets = Summary::read(&mut reader).unwrap().packets();
    assert!(packets > 0);
    assert_eq!(document["collected"]["packets"], packets);
    // Once more, from what is left in the bucket, which goes then.
    let id = document["capture"]["id"].as_str().unwrap();
    let fetch = ["fetch", id, "-o", "again.pcap", "--delete-remote", "--json"];
    // Not without the permission: then the output is there all the same, and it is said what to do.
    for operation in ["DeleteObject", "DeleteObjects"] {
        scene.denied.0.lock().unwrap().insert(operation);
    }
    let run = scene.run(&fetch);
    assert_eq!(run.code, Some(3), "{}", run.text());
    assert!(run.stderr.contains("may not delete"), "{}", run.text());
    assert!(
        run.stderr.contains("the output is in its place"),
        "{}",
        run.text()
    );
    assert!(scene.folder.path().join("again.pcap").exists());
    scene.denied.0.lock().unwrap().clear();
    let again = scene.run(&fetch).json();
    assert_eq!(again["collected"]["packets"], packets);
    assert!(again["collected"]["deleted"].as_u64() > Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_a_profile_do_as_well() {
    let scene = Scene::set().await;
    let aws = scene.folder.path().join(".aws");
    fs::create_dir(&aws).unwrap();
    let keys = format!("[work]\naws_access_key_id = {ID}\naws_secret_access_key = {SECRET}\n");
    fs::write(aws.join("credentials"), keys).unwrap();
    let config = format!("[profile work]\nendpoint_url = {}\n", scene.url);
    fs::write(aws.join("config"), config).unwrap();
    let mut command = scene.without_keys(&["bucket", "prove", BUCKET, "--json"]);
    let run = checked(command.env("AWS_PROFILE", "work"));
    assert_eq!(run.json()["status"], "success");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_told_before_anything_is_registered() {
    let scene = Scene::set().await;
    let prove = ["bucket", "prove", BUCKET];
    for (operation, says) in [
        ("ListObjectsV2", "may not list it"),
        ("GetObject", "s3:GetObject"),
    ] {
        scene.denied.0.lock().unwrap().insert(operation);
        let run = scene.run(&prove);
        assert_eq!(run.code, Some(3), "{operation}: {}", run.text());
        assert!(run.stderr.contains(says), "{operation}: {}", run.text());
        scene.denied.0.lock().unwrap().clear();
    }
    let nowhere = ["bucket", "prove", "s3://nowhere?region=eu-west-1"];
    let run = scene.run(&nowhere);
    assert_eq!(run.code, Some(4), "{}", run.text());
    assert!(run.stderr.contains("there is no bucket"), "{}", run.text());

    for (variable, value, says) in [
        ("AWS_SECRET_ACCESS_KEY", "hunter2", "the secret access key"),
        (
            "AWS_ACCESS_KEY_ID",
            "hunter2",
            "does not know the access key",
        ),
    ] {
        let run = checked(scene.command(&prove).env(variable, value));
        assert_eq!(run.code, Some(3), "{variable}: {}", run.text());
        assert!(run.stderr.contains(says), "{variable}: {}", run.text());
    }
    let run = checked(&mut scene.without_keys(&prove));
    assert_eq!(run.code, Some(3), "{}", run.text());
    assert!(run.stderr.contains("no credentials"), "{}", run.text());
    assert_eq!(scene.registered(), 0);
    scene.run(&prove).ok();
    assert_eq!(scene.registered(), 1);
}
