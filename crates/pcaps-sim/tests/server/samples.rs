//! Simple captures.

use std::net::IpAddr;

use jiff::SignedDuration;
use pcaps_file::{LinkType, dissect};
use pcaps_sim::Traffic;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Outcome, Packet, World, but, packets, sample, traffic};

#[tokio::test]
async fn a_sample_is_ready_at_once() -> Outcome {
    let world = World::new().await?;
    let now = world.clock.now();
    let filter = json!({ "destination_port": 53.0, "protocol": 17 });
    let body = but(sample(), &json!({ "filter_v1": filter }));
    let answer = world.post("", &body).await?;
    let result = answer.result()?;
    let id = result["id"].as_str().ok_or("no id")?;
    assert_eq!(id.len(), 32);
    assert!(id.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')));
    assert_eq!(
        *result,
        json!({
            "type": "simple",
            "id": id,
            "system": "magic-transit",
            "status": "success",
            "submitted": "2026-11-20T12:00:00.269047Z",
            "time_limit": 60,
            "packet_limit": 10_000,
            "filter_v1": { "destination_port": 53, "protocol": 17 },
        })
    );
    assert_eq!(world.get(&format!("/{id}")).await?.result()?, result);
    assert_eq!(world.get("").await?.result()?, &json!([result]));

    let wanted = |packet: &Packet| {
        let found = dissect(LinkType::RAW, &packet.bytes);
        found.protocol == Some(17) && found.destination_port == Some(53)
    };
    let mut expected = traffic(now, -60..0, 160)?;
    expected.retain(wanted);
    assert!(!expected.is_empty());
    assert_eq!(packets(&world.download(id).await?, 160)?, expected);
    Ok(())
}

#[tokio::test]
async fn packets_are_cut_and_keep_their_length() -> Outcome {
    let world = World::new().await?;
    let id = world.start(&sample()).await?;
    let found = packets(&world.download(&id).await?, 160)?;
    assert_eq!(found, traffic(world.clock.now(), -60..0, 160)?);
    assert!(found.iter().all(|packet| packet.bytes.len() <= 160));
    let is_cut = |packet: &&Packet| packet.original_len > 160 && packet.bytes.len() == 160;
    assert!(found.iter().filter(is_cut).count() > 100);
    Ok(())
}

#[tokio::test]
async fn the_first_packets_are_taken() -> Outcome {
    let world = World::new().await?;
    let id = world
        .start(&but(sample(), &json!({ "packet_limit": 10 })))
        .await?;
    let found = packets(&world.download(&id).await?, 160)?;
    assert_eq!(found, traffic(world.clock.now(), -60..0, 160)?[..10]);
    Ok(())
}

#[tokio::test]
async fn a_sample_looks_back_from_its_offset() -> Outcome {
    let world = World::new().await?;
    let now = world.clock.now();
    let hour_ago = (now - SignedDuration::from_hours(1)).to_string();
    let body = but(
        sample(),
        &json!({ "offset_time": hour_ago, "time_limit": 10 }),
    );
    let answer = world.post("", &body).await?;
    let result = answer.result()?;
    assert_eq!(result["offset_time"], hour_ago);
    let id = result["id"].as_str().ok_or("no id")?;
    let found = packets(&world.download(id).await?, 160)?;
    assert_eq!(found, traffic(now, -3610..-3600, 160)?);
    Ok(())
}

#[tokio::test]
async fn every_field_of_a_filter_counts() -> Outcome {
    let world = World::new().await?;
    // A DNS question over IPv4: five fields that can be wrong.
    let all = traffic(world.clock.now(), -60..0, 160)?;
    let dissected: Vec<_> = all
        .iter()
        .map(|packet| dissect(LinkType::RAW, &packet.bytes))
        .collect();
    let one = dissected
        .iter()
        .find(|it| it.destination_port == Some(53) && it.source.is_some_and(|it| it.is_ipv4()))
        .ok_or("no question")?;
    let address = |it: Option<IpAddr>| it.map(|it| it.to_string());
    for filter in [
        json!({ "source_address": address(one.source) }),
        json!({ "destination_address": address(one.destination) }),
        json!({ "source_port": one.source_port }),
        json!({ "destination_port": one.destination_port }),
        json!({ "protocol": one.protocol }),
        json!({ "protocol": 1 }),
        json!({ "protocol": 6, "destination_port": 443 }),
        json!({ "destination_address": "2001:db8:203::35" }),
        json!({
            "source_address": address(one.source),
            "destination_address": address(one.destination),
            "source_port": one.source_port,
            "destination_port": one.destination_port,
            "protocol": one.protocol,
        }),
    ] {
        let id = world
            .start(&but(sample(), &json!({ "filter_v1": filter })))
            .await?;
        let found = packets(&world.download(&id).await?, 160)?;
        let expected: Vec<_> = all
            .iter()
            .zip(&dissected)
            .filter(|(_, it)| {
                let fits =
                    |name: &str, found: Value| filter.get(name).is_none_or(|it| *it == found);
                fits("source_address", json!(address(it.source)))
                    && fits("destination_address", json!(address(it.destination)))
                    && fits("source_port", json!(it.source_port))
                    && fits("destination_port", json!(it.destination_port))
                    && fits("protocol", json!(it.protocol))
            })
            .map(|(packet, _)| packet.clone())
            .collect();
        assert!(!expected.is_empty(), "{filter}");
        assert!(expected.len() < all.len(), "{filter}");
        assert_eq!(found, expected, "{filter}");
    }
    Ok(())
}

#[tokio::test]
async fn what_nothing_matches_is_an_empty_file() -> Outcome {
    let world = World::new().await?;
    let body = but(sample(), &json!({ "filter_v1": { "protocol": 254 } }));
    let id = world.start(&body).await?;
    assert_eq!(packets(&world.download(&id).await?, 160)?, []);
    Ok(())
}

#[tokio::test]
async fn a_sample_cannot_be_stopped() -> Outcome {
    let world = World::new().await?;
    let id = world.start(&sample()).await?;
    let stop = world.request(Method::PUT, &format!("/{id}/stop"));
    Answer::of(stop).await?.assert_failure(400, None);
    Ok(())
}

#[tokio::test]
async fn fifty_are_listed_and_can_be_downloaded() -> Outcome {
    let world = World::new().await?;
    assert_eq!(world.get("").await?.result()?, &json!([]));
    let body = but(sample(), &json!({ "time_limit": 1, "packet_limit": 1 }));
    let mut ids = Vec::new();
    for _ in 0..52 {
        ids.insert(0, world.start(&body).await?);
        world.pass(1);
    }
    let answer = world.get("").await?;
    let listed: Vec<_> = answer
        .result()?
        .as_array()
        .ok_or("no list")?
        .iter()
        .map(|it| it["id"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(listed, ids[..50]);
    world.download(&ids[49]).await?;

    let forgotten = &ids[50];
    let capture = world.get(&format!("/{forgotten}")).await?;
    assert_eq!(capture.result()?["status"], "success");
    let download = world.get(&format!("/{forgotten}/download")).await?;
    download.assert_failure(410, None);
    Ok(())
}

#[tokio::test]
async fn a_clock_that_capture_files_cannot_tell_is_no_panic() -> Outcome {
    for moment in [
        jiff::Timestamp::MIN,
        jiff::Timestamp::MAX,
        jiff::Timestamp::UNIX_EPOCH,
    ] {
        let world = World::with(|it| it.clock(move || moment)).await?;
        let answer = world.post("", &sample()).await?;
        let result = answer.result()?;
        assert_eq!(result["status"], "success");
        let id = result["id"].as_str().ok_or("no id")?;
        packets(&world.download(id).await?, 160)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_file_is_replayed() -> Outcome {
    let first = World::new().await?;
    let id = first.start(&sample()).await?;
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), first.download(&id).await?)?;

    let traffic = Traffic::replay(file.path())?;
    let world = World::with(|it| it.traffic(traffic)).await?;
    // Two repetitions of the recording of a minute, and a part of a third.
    let longer = but(sample(), &json!({ "time_limit": 150 }));
    let id = world.start(&longer).await?;
    let replayed = packets(&world.download(&id).await?, 160)?;
    let recorded = packets(&std::fs::read(file.path())?, 160)?;
    assert!((2 * recorded.len()..3 * recorded.len()).contains(&replayed.len()));
    let expected = recorded.iter().cycle();
    let same = replayed.iter().zip(expected).all(|(found, expected)| {
        (found.original_len, &found.bytes) == (expected.original_len, &expected.bytes)
    });
    assert!(same, "other packets");
    Ok(())
}
