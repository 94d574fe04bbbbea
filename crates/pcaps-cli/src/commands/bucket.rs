//! `pcaps bucket`: the buckets of full captures.

use pcaps::{BucketId, Destination};
use serde_json::json;

use super::stdin;
use crate::{
    args::{self, Global},
    failure::{Exit, Failure},
    output::{self, one_line},
    resume::{self, Resume},
    runtime,
    session::Session,
};

pub(super) fn run(global: &Global, args: args::Bucket) -> Result<(), Failure> {
    match args {
        args::Bucket::Add { uri } => add(global, uri),
        args::Bucket::List => list(global),
        args::Bucket::Validate { uri, challenge } => validate(global, uri, challenge),
        args::Bucket::Remove { id } => remove(global, &id),
    }
}

const URI: &str = "the bucket's URI";

fn add(global: &Global, uri: String) -> Result<(), Failure> {
    let destination: Destination = stdin::or(uri, URI)?.expose().parse()?;
    let bucket = runtime::interruptible(&Resume::default(), async {
        let session = Session::open(global).await?;
        Ok(session.account.register_bucket(&destination).await?)
    })?;
    output::result(global.json, || &bucket, || output::bucket(&bucket))?;
    let file = one_line(
        bucket
            .challenge_file()
            .unwrap_or("ownership-challenge-….txt"),
    );
    let flags = resume::flags(global);
    output::hint(
        global.json,
        &format!(
            "next: read the file {file} in the bucket, and pipe its content into\n      \
             pcaps bucket validate '{destination}' --challenge -{flags}"
        ),
    );
    Ok(())
}

fn list(global: &Global) -> Result<(), Failure> {
    let buckets = runtime::interruptible(&Resume::default(), async {
        Ok(Session::open(global).await?.account.list_buckets().await?)
    })?;
    if buckets.is_empty() && !global.json {
        output::diagnostic("there are no buckets");
        return Ok(());
    }
    output::result(global.json, || &buckets, || output::buckets(&buckets))
}

fn validate(global: &Global, uri: String, challenge: String) -> Result<(), Failure> {
    if uri == "-" && challenge == "-" {
        return Err(Failure::usage(
            "standard input cannot hold both the URI and the challenge: give the URI as it is",
        ));
    }
    let destination: Destination = stdin::or(uri, URI)?.expose().parse()?;
    let challenge = stdin::or(challenge, "the challenge")?;
    let bucket = runtime::interruptible(&Resume::default(), async {
        let session = Session::open(global).await?;
        Ok(session
            .account
            .validate_bucket(&destination, challenge)
            .await?)
    })?;
    output::result(global.json, || &bucket, || output::bucket(&bucket))?;
    match bucket.status() {
        "failed" => Err(Failure::new(
            Exit::Other,
            "the service does not take this for a proof: compare the challenge with the content of the file",
        )),
        _ if bucket.is_validated() => Ok(()),
        _ => {
            let flags = resume::flags(global);
            output::hint(
                global.json,
                &format!(
                    "next: pcaps bucket list{flags}    (the proof can take five to ten minutes)"
                ),
            );
            Ok(())
        }
    }
}

fn remove(global: &Global, id: &BucketId) -> Result<(), Failure> {
    runtime::interruptible(&Resume::default(), async {
        Ok(Session::open(global)
            .await?
            .account
            .remove_bucket(id)
            .await?)
    })?;
    let document = || json!({"id": id.as_str(), "removed": true});
    output::result(global.json, document, || format!("removed {id}\n"))
}
