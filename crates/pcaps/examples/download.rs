//! A finished sample's packets to a file, with progress on standard error.
//!
//! ```sh
//! cargo run --release --package pcaps --example download -- ID sample.pcap
//! ```

use std::error::Error;

// On one thread what arrives is checked while it is in the processor's cache: that is faster than several.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [id, path] = arguments.as_slice() else {
        return Err("say which capture, and the file that it goes to".into());
    };
    let account = pcaps::Client::from_env()?.account_from_env()?;
    let mut told = 0;
    let downloaded = account
        .download(&id.parse()?)
        .on_progress(move |it| {
            let percent = it.total.map_or(0, |total| it.bytes * 100 / total.max(1));
            if percent >= told + 10 {
                told = percent;
                eprintln!("{percent} %");
            }
        })
        .to_path(path)
        .await?;
    println!(
        "{} packets in {} bytes",
        downloaded.contents.packets, downloaded.bytes
    );
    Ok(())
}
