//! Parts of downloads.

use pcaps_sim::faults::{Delivery, Fault, FaultServer, Framing, Operation, Place};
use reqwest::{Method, Response};

use crate::support::{Outcome, World, sample};

/// A world with ranges, and the packets of a capture in it.
struct Download {
    world: World,
    path: String,
    file: Vec<u8>,
}

impl Download {
    async fn new(ranges: bool) -> Outcome<Self> {
        let world = World::with(|builder| builder.ranges(ranges)).await?;
        let id = world.start(&sample()).await?;
        let file = world.download(&id).await?;
        Ok(Self {
            world,
            path: format!("/{id}/download"),
            file,
        })
    }

    /// Asks for it, with these headers, from the simulator or from a server before it.
    async fn get(
        &self,
        server: Option<&FaultServer>,
        headers: &[(&str, &str)],
    ) -> Outcome<Response> {
        let request = self.world.request(Method::GET, &self.path);
        let mut request = headers
            .iter()
            .fold(request, |it, (name, value)| it.header(*name, *value))
            .build()?;
        if let Some(server) = server {
            let url = request.url().as_str();
            let base = self.world.simulator.base_url();
            *request.url_mut() = url.replace(base, server.base_url()).parse()?;
        }
        Ok(self.world.http.execute(request).await?)
    }
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

/// Asserts that a response is this part of these bytes, or all of them.
async fn assert_part(response: Response, all: &[u8], part: Option<(usize, usize)>) -> Outcome {
    let len = all.len();
    let range = part.map(|(first, last)| format!("bytes {first}-{last}/{len}"));
    let expected = part.map_or(Some(all), |(first, last)| all.get(first..=last));
    assert_eq!(response.status(), if part.is_some() { 206 } else { 200 });
    assert_eq!(header(&response, "content-range"), range.as_deref());
    assert_eq!(header(&response, "accept-ranges"), Some("bytes"));
    assert_eq!(
        header(&response, "content-type"),
        Some("application/vnd.tcpdump.pcap")
    );
    assert_eq!(Some(&*response.bytes().await?), expected);
    Ok(())
}

#[tokio::test]
async fn there_are_none_unless_they_are_wanted() -> Outcome {
    let download = Download::new(false).await?;
    let server = FaultServer::before(&download.world.simulator).await?;
    for server in [None, Some(&server)] {
        let response = download.get(server, &[("range", "bytes=5-")]).await?;
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "etag"), None);
        assert_eq!(header(&response, "accept-ranges"), None);
        assert_eq!(response.bytes().await?, download.file);
    }
    Ok(())
}

#[tokio::test]
async fn a_part_is_given_to_who_asks_for_it() -> Outcome {
    let download = Download::new(true).await?;
    let server = FaultServer::before(&download.world.simulator).await?;
    let last = download.file.len() - 1;
    let end = format!("bytes={last}-");
    let past = format!("bytes={}-", last + 1);
    // It is the same from both.
    for server in [None, Some(&server)] {
        let response = download.get(server, &[]).await?;
        let tag = header(&response, "etag").ok_or("no tag")?.to_owned();
        assert!(tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"'));
        assert_part(response, &download.file, None).await?;
        for (range, part) in [
            ("bytes=0-", Some((0, last))),
            ("bytes=5-", Some((5, last))),
            ("bytes=5-9", Some((5, 9))),
            ("bytes=5-99999999999999999999", Some((5, last))),
            (&end, Some((last, last))),
            ("bytes=-5", None),
            ("bytes=1-2,5-9", None),
            ("packets=5-", None),
        ] {
            let response = download.get(server, &[("range", range)]).await?;
            assert_eq!(header(&response, "etag"), Some(&*tag));
            assert_part(response, &download.file, part).await?;
            let response = download
                .get(server, &[("range", range), ("if-range", &tag)])
                .await?;
            assert_part(response, &download.file, part).await?;
            let response = download
                .get(server, &[("range", range), ("if-range", "\"other\"")])
                .await?;
            assert_part(response, &download.file, None).await?;
        }
        for range in [&*past, "bytes=99999999999999999999-"] {
            let response = download.get(server, &[("range", range)]).await?;
            assert_eq!(response.status(), 416);
            let len = format!("bytes */{}", last + 1);
            assert_eq!(header(&response, "content-range"), Some(&*len));
            let body: serde_json::Value = response.json().await?;
            assert_eq!(body["success"], false);
        }
    }
    Ok(())
}

#[tokio::test]
async fn head_says_what_there_is() -> Outcome {
    let download = Download::new(true).await?;
    let response = download.get(None, &[]).await?;
    let tag = header(&response, "etag").map(str::to_owned);
    let request = download.world.request(Method::HEAD, &download.path);
    let response = request.header("range", "bytes=5-").send().await?;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "etag").map(str::to_owned), tag);
    assert_eq!(header(&response, "accept-ranges"), Some("bytes"));
    Ok(())
}

#[tokio::test]
async fn a_download_can_be_resumed() -> Outcome {
    let download = Download::new(true).await?;
    let server = FaultServer::before(&download.world.simulator).await?;
    let big: Vec<u8> = (0..=250).cycle().take(1_000_000).collect();
    server
        .always(
            Operation::DownloadCapture,
            Fault::default().body(big.clone()),
        )
        .next(
            Operation::DownloadCapture,
            Fault::new(Delivery::Close(Place::Body(600_000))).body(big.clone()),
        );
    let mut response = download.get(Some(&server), &[]).await?;
    let tag = header(&response, "etag").ok_or("no tag")?.to_owned();
    let mut found = Vec::new();
    while let Ok(Some(bytes)) = response.chunk().await {
        found.extend_from_slice(&bytes);
    }
    assert_eq!(found.len(), 600_000);
    let range = format!("bytes={}-", found.len());
    let headers = [("range", &*range), ("if-range", &*tag)];
    let response = download.get(Some(&server), &headers).await?;
    assert_part(response, &big, Some((600_000, 999_999))).await?;

    // The file has changed.
    let changed = Fault::default().body(big.clone()).header("ETag", "\"new\"");
    server.next(Operation::DownloadCapture, changed);
    let response = download.get(Some(&server), &headers).await?;
    assert_eq!(header(&response, "etag"), Some("\"new\""));
    assert_part(response, &big, None).await?;
    // Its length has.
    server.clear();
    let response = download.get(Some(&server), &headers).await?;
    assert_part(response, &download.file, None).await?;
    Ok(())
}

#[tokio::test]
async fn parts_can_be_spoilt() -> Outcome {
    let download = Download::new(true).await?;
    let server = FaultServer::before(&download.world.simulator).await?;
    let range = [("range", "bytes=5-9")];
    server
        .next(
            Operation::DownloadCapture,
            Fault::from(Framing::Chunked).header("content-range", "bytes 6-10/11"),
        )
        .next(
            Operation::DownloadCapture,
            Fault::new(Delivery::Close(Place::Body(3))),
        )
        .next(
            Operation::DownloadCapture,
            Fault::answer(200, "", "0123456789ab").unseen(),
        )
        // A weak tag promises nothing.
        .next(
            Operation::DownloadCapture,
            Fault::default().header("etag", "W/\"weak\""),
        );
    let response = download.get(Some(&server), &range).await?;
    assert_eq!(response.status(), 206);
    assert_eq!(header(&response, "content-range"), Some("bytes 6-10/11"));
    assert_eq!(response.bytes().await?, download.file[5..=9]);
    let response = download.get(Some(&server), &range).await?;
    assert_eq!(header(&response, "content-length"), Some("5"));
    assert!(response.bytes().await.is_err());
    let response = download.get(Some(&server), &range).await?;
    assert_eq!(response.bytes().await?, "56789");
    let weak = [range[0], ("if-range", "W/\"weak\"")];
    let response = download.get(Some(&server), &weak).await?;
    assert_part(response, &download.file, None).await
}
