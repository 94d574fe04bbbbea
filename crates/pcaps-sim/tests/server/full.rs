//! Full captures, from the first request to the files in the bucket.

use std::{
    num::NonZeroU8,
    time::{Duration, Instant},
};

use pcaps_file::Timestamp;
use pcaps_sim::{Buckets, Traffic};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, BUCKET, Outcome, World, but, files, full, packets, sample, traffic};

async fn capture(world: &World, id: &str) -> Outcome<Value> {
    Ok(world.get(&format!("/{id}")).await?.result()?.clone())
}

async fn status(world: &World, id: &str) -> Outcome<String> {
    let capture = capture(world, id).await?;
    Ok(capture["status"].as_str().ok_or("no status")?.to_owned())
}

async fn stop(world: &World, id: &str) -> Outcome {
    let request = world.request(Method::PUT, &format!("/{id}/stop"));
    let response = request.send().await?;
    assert_eq!(response.status(), 204);
    assert!(response.headers().contains_key("cf-ray"));
    assert!(response.bytes().await?.is_empty());
    Ok(())
}

/// Asserts that the files of a capture hold the traffic between two moments.
async fn assert_files(
    world: &World,
    id: &str,
    started: jiff::Timestamp,
    seconds: std::ops::Range<i64>,
) -> Outcome {
    let mut found = Vec::new();
    for (_, file) in world.files(id).await? {
        found.extend(packets(&file, SNAP_LEN)?);
    }
    let mut expected = traffic(started, seconds, usize::MAX)?;
    found.sort();
    expected.sort();
    assert_eq!(found.len(), expected.len());
    assert!(found == expected);
    Ok(())
}

/// What the header of a full capture's file says.
const SNAP_LEN: u32 = 262_144;

#[tokio::test]
async fn a_full_capture_goes_through_its_stages() -> Outcome {
    let world = World::new().await?;
    world.prove(BUCKET).await?;
    let started = world.clock.now();
    let body = but(
        full(),
        &json!({ "filter_v1": {}, "byte_limit": 1e9, "packet_limit": 9_999 }),
    );
    let answer = world.post("", &body).await?;
    let result = answer.result()?;
    let id = result["id"].as_str().ok_or("no id")?;
    assert_eq!(
        *result,
        json!({
            "type": "full",
            "id": id,
            "system": "magic-transit",
            "status": "pending",
            "submitted": "2026-11-20T12:00:00.269047Z",
            "time_limit": 60,
            "byte_limit": 1_000_000_000,
            "packet_limit": 9_999,
            "colo_name": "ord02",
            "destination_conf": BUCKET,
            "filter_v1": {},
            "packets_captured": 0,
        })
    );

    world.pass(1);
    assert_eq!(status(&world, id).await?, "running");
    let mut before = 0;
    for _ in 0..5 {
        world.pass(10);
        let capture = capture(&world, id).await?;
        let captured = capture["packets_captured"].as_i64().ok_or("no count")?;
        assert_eq!(capture["status"], "running");
        assert!(captured > before);
        before = captured;
    }
    assert_eq!(world.files(id).await?, []);
    world.pass(10);
    assert_eq!(status(&world, id).await?, "conversion_pending");
    world.pass(1);
    assert_eq!(status(&world, id).await?, "conversion_running");
    assert_eq!(world.files(id).await?, []);
    world.pass(1);
    let done = capture(&world, id).await?;
    assert_eq!(done["status"], "success");
    assert_eq!(done.get("stop_requested"), None);
    assert_eq!(done.get("error_message"), None);
    let expected = traffic(started, 1..61, usize::MAX)?.len();
    assert_eq!(done["packets_captured"], expected);
    assert_eq!(world.get("").await?.result()?, &json!([done]));

    let keys: Vec<_> = world
        .files(id)
        .await?
        .into_iter()
        .map(|(key, _)| key.to_string())
        .collect();
    assert_eq!(
        keys,
        [1, 2, 3].map(|server| format!("s3/captures/edge/server-0{server}/pcap_{id}.pcap"))
    );
    assert_files(&world, id, started, 1..61).await?;

    let download = world.get(&format!("/{id}/download")).await?;
    download.assert_failure(400, None);
    assert!(download.body.to_string().contains("bucket"));
    // Harmless, also now.
    stop(&world, id).await?;
    assert_eq!(capture(&world, id).await?, done);
    Ok(())
}

#[tokio::test]
async fn it_can_be_stopped() -> Outcome {
    let world = World::new().await?;
    world.prove(BUCKET).await?;
    let started = world.clock.now();
    let id = world.start(&full()).await?;
    world.pass(5);
    stop(&world, &id).await?;
    let stopped = capture(&world, &id).await?;
    assert_eq!(stopped["status"], "conversion_pending");
    assert_eq!(stopped["stop_requested"], "2026-11-20T12:00:05.269047Z");
    world.pass(1);
    stop(&world, &id).await?;
    let running = capture(&world, &id).await?;
    assert_eq!(running["status"], "conversion_running");
    assert_eq!(running["stop_requested"], stopped["stop_requested"]);
    world.pass(1);
    assert_eq!(status(&world, &id).await?, "success");
    assert_files(&world, &id, started, 1..5).await
}

#[tokio::test]
async fn it_can_be_stopped_before_it_runs() -> Outcome {
    let world = World::new().await?;
    world.prove(BUCKET).await?;
    let id = world.start(&full()).await?;
    stop(&world, &id).await?;
    world.pass(2);
    let done = capture(&world, &id).await?;
    assert_eq!(done["status"], "success");
    assert_eq!(done["packets_captured"], 0);
    assert_eq!(world.files(&id).await?, []);
    Ok(())
}

#[tokio::test]
async fn a_limit_on_packets_ends_it() -> Outcome {
    let world = World::new().await?;
    world.prove(BUCKET).await?;
    let started = world.clock.now();
    let id = world
        .start(&but(full(), &json!({ "packet_limit": 100 })))
        .await?;
    world.pass(30);
    let done = capture(&world, &id).await?;
    assert_eq!(done["status"], "success");
    assert_eq!(done["packets_captured"], 100);
    let mut found = Vec::new();
    for (_, file) in world.files(&id).await? {
        found.extend(packets(&file, SNAP_LEN)?);
    }
    found.sort();
    let mut expected = traffic(started, 1..30, usize::MAX)?;
    expected.truncate(100);
    expected.sort();
    assert!(found == expected);
    Ok(())
}

#[tokio::test]
async fn a_limit_on_bytes_ends_it() -> Outcome {
    let world = World::new().await?;
    world.prove(BUCKET).await?;
    let id = world
        .start(&but(full(), &json!({ "byte_limit": 10_000 })))
        .await?;
    world.pass(30);
    assert_eq!(status(&world, &id).await?, "success");
    let mut bytes = 0;
    for (_, file) in world.files(&id).await? {
        bytes += packets(&file, SNAP_LEN)?
            .iter()
            .map(|it| it.bytes.len())
            .sum::<usize>();
    }
    assert!((10_000..11_500).contains(&bytes), "{bytes}");
    Ok(())
}

#[tokio::test]
async fn a_filter_counts() -> Outcome {
    let world = World::new().await?;
    world.prove(BUCKET).await?;
    let id = world
        .start(&but(full(), &json!({ "filter_v1": { "protocol": 1 } })))
        .await?;
    world.pass(100);
    let captured = capture(&world, &id).await?["packets_captured"].as_u64();
    let mut found = 0;
    for (_, file) in world.files(&id).await? {
        for packet in packets(&file, SNAP_LEN)? {
            assert_eq!(
                pcaps_file::dissect(pcaps_file::LinkType::RAW, &packet.bytes).protocol,
                Some(1)
            );
            found += 1;
        }
    }
    assert!(found > 0);
    assert_eq!(captured, Some(found));
    Ok(())
}

#[tokio::test]
async fn one_server_leaves_one_file() -> Outcome {
    let world = World::with(|it| it.servers(NonZeroU8::MIN)).await?;
    world.prove(BUCKET).await?;
    let id = world.start(&full()).await?;
    world.pass(100);
    assert_eq!(status(&world, &id).await?, "success");
    assert_eq!(world.files(&id).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn one_at_a_time() -> Outcome {
    let world = World::new().await?;
    world.prove(BUCKET).await?;
    let first = world.start(&full()).await?;
    for seconds in [0, 1, 30, 30, 1] {
        world.pass(seconds);
        world.post("", &full()).await?.assert_failure(409, None);
    }
    world.start(&sample()).await?;
    world.pass(1);
    let second = world.start(&full()).await?;
    assert_eq!(status(&world, &first).await?, "success");
    assert_eq!(status(&world, &second).await?, "pending");
    Ok(())
}

#[tokio::test]
async fn of_many_at_once_one_is_started() -> Outcome {
    let world = World::new().await?;
    world.prove(BUCKET).await?;
    let body = full();
    let answers = futures_util::future::join_all((0..8).map(|_| world.post("", &body))).await;
    let mut started = 0;
    for answer in answers {
        match answer?.status.as_u16() {
            200 => started += 1,
            status => assert_eq!(status, 409),
        }
    }
    assert_eq!(started, 1);
    Ok(())
}

#[tokio::test]
async fn it_takes_a_proven_bucket() -> Outcome {
    let world = World::new().await?;
    let refused = async |conf: &str| -> Outcome {
        let body = but(full(), &json!({ "destination_conf": conf }));
        let answer = world.post("", &body).await?;
        answer.assert_failure(400, Some("/destination_conf"));
        assert!(answer.body.to_string().contains("validate"));
        Ok(())
    };
    refused(BUCKET).await?;
    world.register(BUCKET).await?;
    refused(BUCKET).await?;
    let ownership = world.prove(BUCKET).await?;
    refused("s3://captures/core?region=eu-west-2").await?;
    refused("s3://captures?region=eu-west-2").await?;
    refused("s3://other/edge?region=eu-west-2").await?;
    refused("gs://captures/edge").await?;
    let id = ownership["id"].as_str().ok_or("no id")?;
    let removal = world.request(Method::DELETE, &format!("/ownership/{id}"));
    assert_eq!(Answer::of(removal).await?.status, 204);
    refused(BUCKET).await
}

#[tokio::test]
async fn keys_are_not_needed_and_are_echoed() -> Outcome {
    let world = World::new().await?;
    let keys = "account-id=a&access-key-id=k&secret-access-key=s";
    world.prove(&format!("r2://captures/edge?{keys}")).await?;
    for conf in [
        "r2://captures/edge".to_owned(),
        format!("r2://captures/edge?{keys}"),
    ] {
        let id = world
            .start(&but(full(), &json!({ "destination_conf": conf })))
            .await?;
        assert_eq!(capture(&world, &id).await?["destination_conf"], conf);
        world.pass(100);
        assert_eq!(status(&world, &id).await?, "success");
        assert_eq!(world.files(&id).await?.len(), 3);
    }
    Ok(())
}

#[tokio::test]
async fn twenty_minutes_of_traffic_stream_into_a_folder() -> Outcome {
    let folder = tempfile::tempdir()?;
    let buckets = Buckets::folder(folder.path().join("buckets"))?;
    let world = World::with(|it| it.buckets(buckets.clone())).await?;
    world.prove(BUCKET).await?;
    let id = world
        .start(&but(full(), &json!({ "time_limit": 1_200 })))
        .await?;
    world.pass(600);
    let captured = capture(&world, &id).await?["packets_captured"].as_u64();
    assert!(captured > Some(20_000));
    // Still on its way: nothing to be seen.
    assert_eq!(files(&buckets, &id).await?, []);
    world.pass(700);
    let done = capture(&world, &id).await?;
    assert_eq!(done["status"], "success");
    let mut found = 0;
    for server in 1..=3 {
        let path = format!("buckets/s3/captures/edge/server-0{server}/pcap_{id}.pcap");
        let file = std::fs::read(folder.path().join(path))?;
        // More than one part of an upload.
        assert!(file.len() > 1 << 20);
        found += packets(&file, SNAP_LEN)?.len();
    }
    assert_eq!(done["packets_captured"], found);
    Ok(())
}

#[tokio::test]
async fn a_bucket_that_cannot_be_written_fails_it() -> Outcome {
    let folder = tempfile::tempdir()?;
    let buckets = Buckets::folder(folder.path())?;
    let world = World::with(|it| it.buckets(buckets)).await?;
    world.prove(BUCKET).await?;
    let id = world.start(&full()).await?;
    // A file where the directory was.
    std::fs::remove_dir_all(folder.path().join("s3/captures"))?;
    std::fs::write(folder.path().join("s3/captures"), "")?;
    world.pass(100);
    let failed = capture(&world, &id).await?;
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["error_message"], "the bucket cannot be written to");
    // It does not stand in the way of the next one.
    let next = world.start(&full()).await?;
    assert_eq!(status(&world, &next).await?, "pending");
    Ok(())
}

#[tokio::test]
async fn a_replayed_file_is_not_begun_anew_at_each_poll() -> Outcome {
    let first = World::new().await?;
    let sampled = first.start(&sample()).await?;
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), first.download(&sampled).await?)?;
    let traffic = Traffic::replay(file.path())?;
    let minute = Timestamp::from_nanos(0)..Timestamp::from_nanos(60_000_000_000);
    let total = traffic.packets(minute).count();
    let world = World::with(|it| it.traffic(traffic)).await?;
    world.prove(BUCKET).await?;
    let id = world.start(&full()).await?;
    for _ in 0..70 {
        world.pass(1);
        capture(&world, &id).await?;
    }
    let done = capture(&world, &id).await?;
    assert_eq!(done["status"], "success");
    assert_eq!(done["packets_captured"], total);
    Ok(())
}

#[tokio::test]
async fn a_clock_that_goes_back_changes_nothing() -> Outcome {
    let world = World::new().await?;
    world.prove(BUCKET).await?;
    let id = world.start(&full()).await?;
    world.pass(30);
    let running = capture(&world, &id).await?;
    world.pass(-1_000);
    assert_eq!(capture(&world, &id).await?, running);
    world.pass(1_000 + 100);
    assert_eq!(status(&world, &id).await?, "success");
    Ok(())
}

#[tokio::test]
async fn files_appear_without_anybody_asking() -> Outcome {
    let world = World::new().await?;
    world.prove(BUCKET).await?;
    let id = world.start(&full()).await?;
    world.pass(100);
    // The simulator looks after its captures once a second of the runtime's time.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(2)).await;
    let patience = Instant::now() + Duration::from_secs(30);
    while world.files(&id).await?.len() < 3 {
        assert!(Instant::now() < patience, "no files");
        tokio::task::yield_now().await;
    }
    Ok(())
}

#[tokio::test]
async fn the_end_of_time_is_no_panic() -> Outcome {
    for moment in [jiff::Timestamp::MIN, jiff::Timestamp::MAX] {
        let world = World::with(|it| it.clock(move || moment)).await?;
        world.prove(BUCKET).await?;
        let id = world.start(&full()).await?;
        stop(&world, &id).await?;
        // A panic would show as the status.
        let stopped = capture(&world, &id).await?;
        assert_ne!(stopped["status"], "failed", "{stopped}");
        assert_eq!(stopped.get("error_message"), None);
    }
    Ok(())
}

#[tokio::test]
async fn an_unfinished_one_is_never_forgotten() -> Outcome {
    let world = World::new().await?;
    world.prove(BUCKET).await?;
    let id = world
        .start(&but(full(), &json!({ "time_limit": 86_400 })))
        .await?;
    let small = but(sample(), &json!({ "time_limit": 1, "packet_limit": 1 }));
    let oldest = world.start(&small).await?;
    for _ in 0..1_000 {
        world.start(&small).await?;
    }
    world
        .get(&format!("/{oldest}"))
        .await?
        .assert_failure(404, None);
    world.post("", &full()).await?.assert_failure(409, None);
    stop(&world, &id).await?;
    world.pass(2);
    assert_eq!(status(&world, &id).await?, "success");
    world.start(&full()).await?;
    Ok(())
}
