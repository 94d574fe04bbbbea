//! Full captures whose files are awkward on order, and buckets that do not take them.

use std::{
    num::NonZeroU16,
    time::{Duration, Instant},
};

use pcaps_sim::{Buckets, Files, Refusal, Store, Traffic, object_store::ObjectStoreExt};
use serde_json::{Value, json};

use crate::support::{BUCKET, Outcome, World, but, files, full, packets, traffic};

/// What the header of a full capture's file says.
const SNAP_LEN: u32 = 262_144;

fn names(files: &[(pcaps_sim::object_store::path::Path, Vec<u8>)]) -> Vec<u32> {
    let number = |key: &str| key.split(['-', '/']).find_map(|it| it.parse().ok());
    files
        .iter()
        .filter_map(|(key, _)| number(key.as_ref()))
        .collect()
}

async fn capture(world: &World, id: &str) -> Outcome<Value> {
    Ok(world.get(&format!("/{id}")).await?.result()?.clone())
}

async fn succeed(world: &World, id: &str) -> Outcome {
    world.pass(100);
    assert_eq!(capture(world, id).await?["status"], "success");
    Ok(())
}

#[tokio::test]
async fn hundreds_of_small_files_hold_everything_once() -> Outcome {
    let world = World::with(|it| {
        it.files(Files {
            servers: NonZeroU16::MIN.saturating_add(399),
            ..Files::default()
        })
    })
    .await?;
    world.prove(BUCKET).await?;
    let started = world.clock.now();
    let id = world.start(&full()).await?;
    succeed(&world, &id).await?;
    let written = world.files(&id).await?;
    assert!(written.len() > 200, "{}", written.len());
    let mut found = Vec::new();
    for (_, file) in &written {
        let inside = packets(file, SNAP_LEN)?;
        assert!(!inside.is_empty());
        found.extend(inside);
    }
    let mut expected = traffic(started, 1..61, usize::MAX)?;
    found.sort();
    expected.sort();
    assert!(found == expected);
    Ok(())
}

#[tokio::test]
async fn empty_and_torn_ones_come_on_order() -> Outcome {
    let world = World::new().await?;
    world.prove(BUCKET).await?;
    world.simulator.set_files(Files {
        empty: 2,
        zero_length: 1,
        torn: 1,
        ..Files::default()
    });
    let id = world.start(&full()).await?;
    // It is as it was when it was started.
    world.simulator.set_files(Files::default());
    succeed(&world, &id).await?;
    let written = world.files(&id).await?;
    assert_eq!(names(&written), [1, 2, 3, 4, 5, 6]);
    let torn = &written[0].1;
    let mut reader = pcaps_file::Reader::new(&**torn, "torn")?;
    let mut whole = 0;
    let error = loop {
        match reader.next_packet() {
            Ok(packet) => drop(packet.ok_or("the file is whole")?),
            Err(error) => break error,
        }
        whole += 1;
    };
    assert_eq!(error.kind(), pcaps_file::ErrorKind::Truncated);
    let mut count = whole + 1;
    for (_, file) in &written[1..3] {
        count += packets(file, SNAP_LEN)?.len();
    }
    assert_eq!(capture(&world, &id).await?["packets_captured"], count);
    for (_, file) in &written[3..5] {
        assert_eq!(file.len(), 24);
        assert_eq!(packets(file, SNAP_LEN)?, []);
    }
    assert_eq!(written[5].1, b"");
    Ok(())
}

#[tokio::test]
async fn late_files_come_after_the_success() -> Outcome {
    let world = World::with(|it| {
        it.files(Files {
            empty: 1,
            late: 2,
            late_by: Duration::from_secs(30),
            ..Files::default()
        })
    })
    .await?;
    world.prove(BUCKET).await?;
    let id = world.start(&full()).await?;
    // However far the clock has gone when the files are handed over.
    world.pass(1_000);
    assert_eq!(capture(&world, &id).await?["status"], "success");
    let done = capture(&world, &id).await?;
    assert_eq!(names(&world.files(&id).await?), [1, 2]);
    world.pass(29);
    assert_eq!(capture(&world, &id).await?, done);
    assert_eq!(world.files(&id).await?.len(), 2);
    world.pass(1);
    assert_eq!(capture(&world, &id).await?, done);
    assert_eq!(names(&world.files(&id).await?), [1, 2, 3, 4]);

    // Without anybody asking, too.
    let id = world.start(&full()).await?;
    succeed(&world, &id).await?;
    world.pass(100);
    appear(&world, &id, 4).await?;

    // At the latest when there is a next one.
    let id = world.start(&full()).await?;
    succeed(&world, &id).await?;
    assert_eq!(world.files(&id).await?.len(), 2);
    world.start(&full()).await?;
    assert_eq!(world.files(&id).await?.len(), 4);
    Ok(())
}

/// Waits for files, while the simulator looks after its captures once a second of the runtime's time.
async fn appear(world: &World, id: &str, count: usize) -> Outcome {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(2)).await;
    let patience = Instant::now() + Duration::from_secs(30);
    while world.files(id).await?.len() < count {
        assert!(Instant::now() < patience, "no files");
        tokio::task::yield_now().await;
    }
    tokio::time::resume();
    Ok(())
}

#[tokio::test]
async fn a_late_file_that_finds_no_bucket_is_missing() -> Outcome {
    let world = World::with(|it| {
        it.files(Files {
            late: 1,
            ..Files::default()
        })
    })
    .await?;
    world.prove(BUCKET).await?;
    let id = world.start(&full()).await?;
    succeed(&world, &id).await?;
    world
        .simulator
        .buckets()
        .refuse("s3://captures", Refusal::Gone)?;
    succeed(&world, &id).await?;
    world.simulator.buckets().accept("s3://captures")?;
    succeed(&world, &id).await?;
    assert_eq!(world.files(&id).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_refused_bucket_is_said_to_be_so() -> Outcome {
    for (refusal, registering, message) in [
        (Refusal::Gone, "no such bucket", "the bucket is gone: "),
        (
            Refusal::NotWritable,
            "permissions",
            "the bucket cannot be written to: ",
        ),
    ] {
        let world = World::new().await?;
        let buckets = world.simulator.buckets();
        buckets.refuse("s3://captures", refusal)?;
        let body = json!({ "destination_conf": BUCKET });
        let answer = world.post("/ownership", &body).await?;
        answer.assert_failure(400, Some("/destination_conf"));
        let said = answer.body["errors"][0]["message"].as_str();
        assert!(said.is_some_and(|it| it.contains(registering)), "{said:?}");
        world.register("s3://other?region=r").await?;

        buckets.accept("s3://captures")?;
        world.prove(BUCKET).await?;
        let id = world.start(&full()).await?;
        world.pass(30);
        assert_eq!(capture(&world, &id).await?["status"], "running");
        buckets.refuse("s3://captures/edge", refusal)?;
        world.pass(100);
        let failed = capture(&world, &id).await?;
        assert_eq!(failed["status"], "failed");
        let said = failed["error_message"].as_str();
        assert!(said.is_some_and(|it| it.starts_with(message)), "{said:?}");
        assert_eq!(world.files(&id).await?, []);

        // It stays so, and the next one works.
        buckets.accept("s3://captures/edge")?;
        assert_eq!(capture(&world, &id).await?, failed);
        let id = world.start(&full()).await?;
        succeed(&world, &id).await?;
    }
    Ok(())
}

#[tokio::test]
async fn nothing_half_written_is_left_in_a_folder() -> Outcome {
    let folder = tempfile::tempdir()?;
    let recording = tempfile::NamedTempFile::new()?;
    // 20 MB of one flow in 20 seconds.
    let frame = vec![0; 50_000];
    let options = pcaps_file::WriterOptions::new(pcaps_file::LinkType::RAW);
    let mut writer = pcaps_file::Writer::new(recording.reopen()?, options)?;
    for number in 0..400_u64 {
        writer.write(&pcaps_file::Packet {
            timestamp: pcaps_file::Timestamp::from_nanos(number * 50_000_000),
            link_type: options.link_type,
            original_len: 50_000,
            bytes: &frame,
        })?;
    }
    writer.finish()?;
    let buckets = Buckets::folder(folder.path())?;
    let traffic = Traffic::replay(recording.path())?;
    let one = Files {
        servers: NonZeroU16::MIN,
        ..Files::default()
    };
    let set = |it: pcaps_sim::SimulatorBuilder| it.buckets(buckets.clone()).traffic(traffic);
    let world = World::with(|it| set(it).files(one)).await?;
    world.prove(BUCKET).await?;
    let id = world.start(&full()).await?;
    world.pass(15);
    let running = capture(&world, &id).await?;
    assert_eq!(running["status"], "running");
    // On its way: in a temporary file, which no list shows.
    let inside = || -> Outcome<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder.path().join("s3/captures/edge/server-01"))? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        Ok(names)
    };
    assert_eq!(inside()?.len(), 1);
    assert_eq!(files(&buckets, &id).await?, []);
    buckets.refuse("s3://captures", Refusal::Gone)?;
    world.pass(100);
    assert_eq!(capture(&world, &id).await?["status"], "failed");
    assert_eq!(inside()?, [""; 0]);

    buckets.accept("s3://captures")?;
    let id = world.start(&full()).await?;
    world.pass(15);
    capture(&world, &id).await?;
    assert_eq!(inside()?.len(), 1);
    world.simulator.shutdown().await;
    assert_eq!(inside()?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_mapped_bucket_is_elsewhere() -> Outcome {
    let folder = tempfile::tempdir()?;
    let store: Store = folder.path().to_string_lossy().parse()?;
    let buckets = Buckets::memory().map("s3://captures", store)?;
    let world = World::with(|it| it.buckets(buckets.clone())).await?;
    world.prove(BUCKET).await?;
    let id = world.start(&full()).await?;
    succeed(&world, &id).await?;
    for server in 1..=3 {
        let path = format!("edge/server-0{server}/pcap_{id}.pcap");
        packets(&std::fs::read(folder.path().join(path))?, SNAP_LEN)?;
    }
    let (others, _) = buckets.place("gs://captures")?;
    let key = format!("s3/captures/edge/server-01/pcap_{id}.pcap");
    assert!(others.head(&key.as_str().into()).await.is_err());
    // The others are where they were.
    world.prove("gs://captures/edge").await?;
    let body = but(full(), &json!({ "destination_conf": "gs://captures/edge" }));
    let id = world.start(&body).await?;
    succeed(&world, &id).await?;
    let key = format!("gs/captures/edge/server-01/pcap_{id}.pcap");
    others.head(&key.as_str().into()).await?;
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_not_there_is_not_writable() -> Outcome {
    // A port that nobody listens at.
    let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let store: Store = format!("s3+http://{free}/b").parse()?;
    let buckets = Buckets::memory().map("s3://captures", store)?;
    let world = World::with(|it| it.buckets(buckets)).await?;
    let answer = world
        .post("/ownership", &json!({ "destination_conf": BUCKET }))
        .await?;
    answer.assert_failure(400, Some("/destination_conf"));
    Ok(())
}
