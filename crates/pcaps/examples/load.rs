//! So many requests for one capture, so many of them at a time; prints how many a second. `cargo xtask bench client` runs
//! it against a server on this machine.
//!
//! ```sh
//! cargo run --release --package pcaps --example load -- ID 10000 64
//! ```

use std::{error::Error, time::Instant};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [id, requests, at_once] = arguments.as_slice() else {
        return Err("say which capture, how many requests, and how many at a time".into());
    };
    let (requests, at_once): (u32, usize) = (requests.parse()?, at_once.parse()?);
    let account = pcaps::Client::from_env()?.account_from_env()?;
    let id = id.parse()?;

    let start = Instant::now();
    stream::iter(0..requests)
        .map(|_| account.get(&id))
        .buffer_unordered(at_once)
        .try_for_each(|_| std::future::ready(Ok(())))
        .await?;
    println!(
        "{:.0} requests/s",
        f64::from(requests) / start.elapsed().as_secs_f64()
    );
    Ok(())
}
