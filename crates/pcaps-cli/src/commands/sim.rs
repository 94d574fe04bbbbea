//! `pcaps sim`: the service, simulated.

use std::{net::SocketAddr, path::Path, time::Duration};

use pcaps_sim::{Buckets, Simulator, traffic::Traffic};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    args::{self, Global},
    failure::Failure,
    log, output, runtime,
};

/// How far a sample looks back at most.
const WINDOW: Duration = Duration::from_mins(5);

pub(super) fn run(global: &Global, args: &args::Sim) -> Result<(), Failure> {
    let traffic = match &args.traffic {
        Some(path) => replay(path)?,
        None => Traffic::synthetic(args.seed),
    };
    let buckets = buckets(global, args)?;
    let mut simulator = Simulator::builder()
        .listen(args.listen)
        .traffic(traffic.with_sampling(args.sampling))
        .buckets(buckets)
        .unlimited(args.unlimited);
    if let Some(address) = args.control {
        simulator = simulator.control(address);
    }
    let _lines = (!global.quiet).then(|| log::served(global));
    runtime::run(async {
        let stop = runtime::stop()?;
        let simulator = simulator.start().await?;
        introduce(global, &simulator)?;
        for address in [Some(args.listen), args.control].into_iter().flatten() {
            warn(address);
        }
        output::diagnostic(&format!(
            "serving at {}; end it with Ctrl-C",
            simulator.page_url()
        ));
        stop.await;
        simulator.shutdown().await;
        Ok(())
    })
}

fn buckets(global: &Global, args: &args::Sim) -> Result<Buckets, Failure> {
    let mut buckets = match &args.buckets {
        Some(path) => Buckets::folder(path)?,
        None => Buckets::memory(),
    };
    for mapping in &global.bucket_map {
        buckets = buckets.map(&mapping.uri, mapping.store.parse()?)?;
    }
    Ok(buckets)
}

/// What programs are told.
#[derive(Serialize, JsonSchema)]
pub(super) struct Document<'a> {
    /// For `CLOUDFLARE_BASE_URL`.
    base_url: &'a str,
    /// For `CLOUDFLARE_API_TOKEN`.
    api_token: &'a str,
    /// For `CLOUDFLARE_ACCOUNT_ID`.
    account_id: &'a str,
    /// Where programs can move its clock, order faults and read what was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    control_url: Option<&'a str>,
}

/// What points a client at it.
fn introduce(global: &Global, simulator: &Simulator) -> Result<(), Failure> {
    let (url, token, account) = (
        simulator.base_url(),
        simulator.token().expose(),
        simulator.account_id(),
    );
    let document = || Document {
        base_url: url,
        api_token: token,
        account_id: account,
        control_url: simulator.control_url(),
    };
    output::result(global, document, || {
        let control = simulator.control_url();
        let control = control.map(|it| format!("PCAPS_SIM_CONTROL_URL={it}\n"));
        format!(
            "CLOUDFLARE_BASE_URL={url}\nCLOUDFLARE_API_TOKEN={token}\nCLOUDFLARE_ACCOUNT_ID={account}\n{}",
            control.unwrap_or_default()
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
