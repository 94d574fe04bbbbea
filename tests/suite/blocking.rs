//! The client for programs that are not asynchronous.

use std::time::Duration;

use pcaps::{
    ErrorKind, Export, ExportState, Location, Sample,
    blocking::{self, Account},
};
use pcaps_sim::Simulator;

use crate::{
    secrets,
    support::{ACCOUNT, TOKEN},
};

/// A simulator on a runtime of its own, as a service is somewhere else.
fn simulator() -> (tokio::runtime::Runtime, Simulator) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let simulator = Simulator::builder().token(TOKEN).account_id(ACCOUNT);
    let simulator = runtime.block_on(simulator.start()).unwrap();
    (runtime, simulator)
}

fn account(base_url: &str) -> Account {
    secrets::watch_logs();
    let client = pcaps::Client::builder().token(TOKEN).base_url(base_url);
    Account::new(client, ACCOUNT.parse().unwrap()).unwrap()
}

#[test]
fn from_a_filter_to_a_file() {
    let (_runtime, simulator) = simulator();
    let account = account(simulator.base_url());
    let folder = tempfile::tempdir().unwrap();
    let sample = Sample::new(Duration::from_mins(1), 10).unwrap();
    let path = folder.path().join("a.pcap");
    let downloaded = account.sample_to(sample, &path).unwrap();
    assert_eq!(downloaded.contents.packets, 10);
    let captures = account.list().unwrap();
    let id = captures[0].id();
    assert_eq!(account.get(id).unwrap().status(), "success");
    let waited = account.wait(id, Some(Duration::from_secs(5))).unwrap();
    assert_eq!(waited.id(), id);
    let again = account.clone().download_to(id, &path).unwrap();
    assert_eq!(again, downloaded);
    assert_eq!(account.stop(id).unwrap_err().kind(), ErrorKind::Refused);

    let bucket = "gs://b/d".parse().unwrap();
    let registered = account.register_bucket(&bucket).unwrap();
    let refused = account.validate_bucket(&bucket, "wrong").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused);
    assert_eq!(account.list_buckets().unwrap().len(), 1);
    account.remove_bucket(registered.id()).unwrap();
}

#[test]
fn a_bucket_is_proven() {
    let (_runtime, simulator) = simulator();
    let buckets = simulator.buckets().clone();
    let client = pcaps::Client::builder()
        .token(TOKEN)
        .base_url(simulator.base_url())
        .buckets(move |uri| {
            let (store, prefix) = buckets.place(uri).ok()?;
            Some(pcaps::Folder::new(store, prefix))
        });
    let account = Account::new(client, ACCOUNT.parse().unwrap()).unwrap();
    let bucket = account.prove(&"gs://b/d".parse().unwrap()).unwrap();
    assert!(bucket.is_validated());
}

#[tokio::test]
async fn it_is_refused_where_it_would_block_others() {
    let account = account("http://127.0.0.1:9");
    let error = account.list().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("await"), "{error}");
    // And its end harms nobody.
    drop(account);
}

#[test]
fn captures_become_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let capture = crate::support::root().join("crates/pcaps-file/tests/data/dns.pcap");
    let to = Location::Path(folder.path().join("table"));
    let export = || Export::to(to.clone()).input(Location::Path(capture.clone()));
    for state in [ExportState::Exported, ExportState::Unchanged] {
        let exported = blocking::export(export()).unwrap();
        let [it] = &exported.inputs[..] else {
            panic!("{exported:?}");
        };
        assert_eq!((it.state, it.rows), (state, 42));
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let refused = runtime.block_on(async { blocking::export(export()) });
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput);
}
