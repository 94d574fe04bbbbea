//! `pcaps start`: a capture that is left to the service.

use pcaps::{Account, Capture, Change, Destination, Filter, Full, Request, Sample};

use super::{dry_run, stdin};
use crate::{
    args::{self, Global, StartFull},
    failure::Failure,
    output,
    resume::{self, Resume},
    runtime,
    session::Session,
    settings::{Origin, Settings},
};

pub(super) fn run(global: &Global, args: args::Start) -> Result<(), Failure> {
    let (request, dry, next): (Request, _, _) = match args {
        args::Start::Sample(it) => (
            sample(&it.filter, &it.sample)?.into(),
            it.sample.dry,
            "download {id} -o FILE",
        ),
        args::Start::Full(it) => {
            let (full, _) = full(global, &it)?;
            (full.into(), it.dry, "wait {id}")
        }
    };
    if dry.run {
        return dry_run::show(global, &[Change::Start(&request)], None);
    }
    let resume = Resume::default();
    let capture = runtime::interruptible(&resume, async {
        let session = Session::open(global).await?;
        start(global, &resume, &session.account, request).await
    })?;
    output::result(
        global,
        || &capture,
        || output::capture(&output::Zone::of(global), &capture),
    )?;
    if !global.simulate {
        let next = next.replace("{id}", capture.id().as_str());
        output::hint(
            global,
            &format!("next: pcaps {next}{}", resume::flags(global)),
        );
    }
    Ok(())
}

/// Starts a capture. Until the answer is there, it may have been started or not.
pub(super) async fn start(
    global: &Global,
    resume: &Resume,
    account: &Account,
    request: impl Into<Request>,
) -> Result<Capture, Failure> {
    if !global.simulate {
        resume.remember(resume::started_perhaps(global));
    }
    let started = account.start(request).await;
    resume.forget();
    Ok(started?)
}

/// The sample that the arguments ask for.
pub(super) fn sample(filter: &[String], args: &args::Sample) -> Result<Sample, Failure> {
    let sample = Sample::new(args.time_limit, args.limit.packets)?.filter(parse(filter)?);
    Ok(match args.at {
        Some(time) => sample.ending_at(time)?,
        None => sample,
    })
}

/// The bucket that an argument names.
pub(super) fn bucket(argument: String) -> Result<Destination, Failure> {
    Ok(stdin::or(argument, "the bucket's URI")?.expose().parse()?)
}

/// The full capture that the arguments ask for, and its bucket.
pub(super) fn full(global: &Global, args: &StartFull) -> Result<(Full, Destination), Failure> {
    let filter = parse(&args.filter)?;
    let settings = Settings::load(global)?;
    let colo = settings.colo(args.colo.as_ref()).ok_or_else(|| {
        Failure::usage(
            "it is not said at which data centre: give --colo NAME, set PCAPS_COLO, or put `colo` into the profile",
        )
    })?;
    let found = settings.bucket(args.bucket.as_ref()).ok_or_else(|| {
        Failure::usage(
            "it is not said to which bucket: give --bucket URI, set PCAPS_BUCKET, or put `bucket` into the profile",
        )
    })?;
    let bucket = match found.origin {
        Origin::Option(_) => bucket(found.value)?,
        _ => found.parse()?,
    };
    let mut full = Full::new(&colo.value, bucket.clone(), args.time_limit)?.filter(filter);
    if let Some(packets) = args.packets {
        full = full.packet_limit(packets)?;
    }
    if let Some(bytes) = args.bytes {
        full = full.byte_limit(bytes)?;
    }
    Ok((full, bucket))
}

pub(super) fn parse(words: &[String]) -> Result<Filter, Failure> {
    let text = words.join(" ");
    if text.contains("://") {
        // The error of a filter shows it, and this may hold keys.
        return Err(Failure::usage(
            "the filter has a URI in it: a bucket is given as --bucket URI",
        ));
    }
    Ok(text.parse()?)
}
