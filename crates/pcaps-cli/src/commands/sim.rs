//! `pcaps sim`: the service, simulated.

use std::{net::SocketAddr, path::Path, time::Duration};

use pcaps_sim::{Buckets, Simulator, traffic::Traffic};
use serde::Serialize;

use crate::{
    args::{self, Global},
    failure::Failure,
    output, runtime,
};

/// How far a sample looks back at most.
const WINDOW: Duration = Duration::from_mins(5);

pub(super) fn run(global: &Global, args: &args::Sim) -> Result<(), Failure> {
    let traffic = match &args.traffic {
        Some(path) => replay(path)?,
        None => Traffic::synthetic(args.seed),
    };
    let buckets = buckets(args)?;
    let simulator = Simulator::builder()
        .listen(args.listen)
        .traffic(traffic.with_sampling(args.sampling))
        .buckets(buckets);
    runtime::run(async {
        let stop = runtime::stop()?;
        let simulator = simulator.start().await?;
        introduce(global.json, &simulator)?;
        warn(args.listen);
        output::diagnostic("serving; end it with Ctrl-C");
        stop.await;
        simulator.shutdown().await;
        Ok(())
    })
}

fn buckets(args: &args::Sim) -> Result<Buckets, Failure> {
    let mut buckets = match &args.buckets {
        Some(path) => Buckets::folder(path)?,
        None => Buckets::memory(),
    };
    for mapping in &args.bucket_map {
        buckets = buckets.map(&mapping.uri, mapping.store.parse()?)?;
    }
    Ok(buckets)
}

/// What a program is told.
#[derive(Serialize)]
struct Document<'a> {
    base_url: &'a str,
    api_token: &'a str,
    account_id: &'a str,
}

/// What points a client at it.
fn introduce(json: bool, simulator: &Simulator) -> Result<(), Failure> {
    let (url, token, account) = (
        simulator.base_url(),
        simulator.token().expose(),
        simulator.account_id(),
    );
    let document = || Document {
        base_url: url,
        api_token: token,
        account_id: account,
    };
    output::result(json, document, || {
        format!(
            "CLOUDFLARE_BASE_URL={url}\nCLOUDFLARE_API_TOKEN={token}\nCLOUDFLARE_ACCOUNT_ID={account}\n"
        )
    })
}

fn warn(address: SocketAddr) {
    if !address.ip().is_loopback() {
        output::diagnostic(&format!(
            "warning: {address} can be reached from other machines, and the token goes to it in the clear"
        ));
    }
}

fn replay(path: &Path) -> Result<Traffic, Failure> {
    let traffic = Traffic::replay(path)?;
    // A packet exactly at the window's end is not in it.
    if let Some(duration) = traffic.duration().filter(|it| *it >= WINDOW) {
        output::diagnostic(&format!(
            "note: {} spans {} s: a sample shows its first {} s at most",
            path.display(),
            duration.as_secs(),
            WINDOW.as_secs()
        ));
    }
    Ok(traffic)
}
