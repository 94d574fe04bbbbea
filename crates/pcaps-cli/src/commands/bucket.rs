//! `pcaps bucket`: the buckets of full captures.

use std::{
    io::{self, BufRead, IsTerminal as _},
    time::Duration,
};

use jiff::Timestamp;
use pcaps::{BucketId, Change, Destination, ErrorKind};
use schemars::JsonSchema;
use serde::Serialize;

use super::{dry_run, stdin};
use crate::{
    args::{self, Dry, Global},
    failure::{Exit, Failure},
    output::{self, one_line},
    progress::Progress,
    resume::{self, Resume},
    runtime,
    session::Session,
};

pub(super) fn run(global: &Global, args: args::Bucket) -> Result<(), Failure> {
    match args {
        args::Bucket::Prove { uri, timeout, dry } => prove(global, uri, timeout, &dry),
        args::Bucket::Add { uri, dry } => add(global, uri, &dry),
        args::Bucket::List => list(global),
        args::Bucket::Validate {
            uri,
            challenge,
            dry,
        } => validate(global, uri, challenge, &dry),
        args::Bucket::Remove { id, yes, dry } => remove(global, &id, yes, &dry),
    }
}

const URI: &str = "the bucket's URI";

fn prove(global: &Global, uri: String, timeout: Duration, dry: &Dry) -> Result<(), Failure> {
    let destination: Destination = stdin::or(uri, URI)?.expose().parse()?;
    if dry.run {
        // What it will be, the service says only when the bucket is registered.
        let challenge = "the challenge".into();
        let steps = [
            Change::RegisterBucket(&destination),
            Change::ValidateBucket(&destination, &challenge),
        ];
        return dry_run::show(global, &steps, None);
    }
    let resume = Resume::default();
    let bucket = runtime::interruptible(&resume, async {
        let session = Session::open(global).await?;
        let progress = Progress::new(global, "looking at the list of buckets");
        if !global.simulate {
            resume.remember(resume::prove(global, &destination));
        }
        let prove = session.account.prove(&destination).deadline(timeout);
        let proven = prove.on_progress(progress.proving()).await;
        proven.map_err(|error| {
            // Elsewhere the same is to be done again once something else has been done, which the error says.
            let goes_on = matches!(
                error.kind(),
                ErrorKind::DeadlinePassed
                    | ErrorKind::Connection
                    | ErrorKind::Timeout
                    | ErrorKind::Service
                    | ErrorKind::RateLimited
            );
            let failure = Failure::from(error);
            if goes_on {
                failure.noting(resume.note())
            } else {
                failure
            }
        })
    })?;
    output::result(
        global,
        || &bucket,
        || output::bucket(&output::Zone::of(global), &bucket),
    )
}

fn add(global: &Global, uri: String, dry: &Dry) -> Result<(), Failure> {
    let destination: Destination = stdin::or(uri, URI)?.expose().parse()?;
    if dry.run {
        return dry_run::show(global, &[Change::RegisterBucket(&destination)], None);
    }
    let bucket = runtime::interruptible(&Resume::default(), async {
        let session = Session::open(global).await?;
        Ok(session.account.register_bucket(&destination).await?)
    })?;
    output::result(
        global,
        || &bucket,
        || output::bucket(&output::Zone::of(global), &bucket),
    )?;
    let file = one_line(
        bucket
            .challenge_file()
            .unwrap_or("ownership-challenge-….txt"),
    );
    let flags = resume::flags(global);
    output::hint(
        global,
        &format!(
            "next: pcaps bucket prove '{destination}'{flags}\n      \
             or read the file {file} in the bucket, and pipe its content into\n      \
             pcaps bucket validate '{destination}' --challenge -{flags}"
        ),
    );
    Ok(())
}

fn list(global: &Global) -> Result<(), Failure> {
    let buckets = runtime::interruptible(&Resume::default(), async {
        Ok(Session::open(global).await?.account.list_buckets().await?)
    })?;
    if buckets.is_empty() && global.is_text() {
        output::hint(global, "there are no buckets");
        return Ok(());
    }
    let now = Timestamp::now();
    output::result(global, || &buckets, || output::buckets(&buckets, now))
}

fn validate(global: &Global, uri: String, challenge: String, dry: &Dry) -> Result<(), Failure> {
    if uri == "-" && challenge == "-" {
        return Err(Failure::usage(
            "standard input cannot hold both the URI and the challenge: give the URI as it is",
        ));
    }
    let destination: Destination = stdin::or(uri, URI)?.expose().parse()?;
    let challenge = stdin::or(challenge, "the challenge")?;
    if dry.run {
        let step = Change::ValidateBucket(&destination, &challenge);
        return dry_run::show(global, &[step], None);
    }
    let bucket = runtime::interruptible(&Resume::default(), async {
        let session = Session::open(global).await?;
        Ok(session
            .account
            .validate_bucket(&destination, challenge)
            .await?)
    })?;
    output::result(
        global,
        || &bucket,
        || output::bucket(&output::Zone::of(global), &bucket),
    )?;
    match bucket.status() {
        "failed" => Err(Failure::new(
            Exit::Other,
            "the service does not take this for a proof: compare the challenge with the content of the file",
        )),
        _ if bucket.is_validated() => Ok(()),
        _ => {
            let flags = resume::flags(global);
            output::hint(
                global,
                &format!(
                    "next: pcaps bucket list{flags}    (the proof can take five to ten minutes)"
                ),
            );
            Ok(())
        }
    }
}

fn remove(global: &Global, id: &BucketId, yes: bool, dry: &Dry) -> Result<(), Failure> {
    if dry.run {
        return dry_run::show(global, &[Change::RemoveBucket(id)], None);
    }
    if !yes {
        confirm(id)?;
    }
    runtime::interruptible(&Resume::default(), async {
        Ok(Session::open(global)
            .await?
            .account
            .remove_bucket(id)
            .await?)
    })?;
    let document = || Removed {
        id: id.as_str(),
        removed: true,
    };
    output::result(global, document, || format!("removed {id}\n"))
}

/// What programs are told.
#[derive(Serialize, JsonSchema)]
pub(super) struct Removed<'a> {
    /// The bucket's id.
    id: &'a str,
    /// Always true.
    removed: bool,
}

/// Asks whether it is meant. Before signals are caught: an answer takes as long as it takes.
fn confirm(id: &BucketId) -> Result<(), Failure> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Failure::usage(
            "nobody can be asked whether the bucket is to be removed, because this is no terminal: give --yes",
        ));
    }
    output::ask(&format!(
        "remove the bucket {id}? full captures to it will be refused; what is in it stays [y/N] "
    ));
    if is_yes(&mut io::stdin().lock()) {
        return Ok(());
    }
    Err(Failure::new(Exit::Other, "nothing was removed"))
}

fn is_yes(answer: &mut impl BufRead) -> bool {
    let mut line = String::new();
    answer.read_line(&mut line).is_ok()
        && matches!(line.trim().to_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for (answer, is) in [
            ("y\n", true),
            ("YES\n", true),
            ("\n", false),
            ("", false),
            ("n\ny\n", false),
            ("yesterday\n", false),
        ] {
            assert_eq!(is_yes(&mut answer.as_bytes()), is, "{answer:?}");
        }
    }
}
