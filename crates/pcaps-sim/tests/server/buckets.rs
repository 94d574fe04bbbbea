//! Registering buckets, and proving that they are one's own.

use std::{fs, path::Path};

use pcaps_sim::{Buckets, object_store::ObjectStoreExt};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, BUCKET, Outcome, World, but, full, objects};

const KEYS: &str = "account-id=a&access-key-id=k&secret-access-key=s";

async fn validate(world: &World, conf: &str, challenge: &str) -> Outcome<Answer> {
    let body = json!({ "destination_conf": conf, "ownership_challenge": challenge });
    world.post("/ownership/validate", &body).await
}

#[tokio::test]
async fn a_bucket_is_proven_by_its_challenge() -> Outcome {
    let world = World::new().await?;
    assert_eq!(world.get("/ownership").await?.result()?, &json!([]));
    let registered = world.register(BUCKET).await?;
    let id = registered["id"].as_str().ok_or("no id")?;
    let filename = registered["filename"].as_str().ok_or("no name")?;
    assert_eq!(id.len(), 32);
    assert!(filename.starts_with("ownership-challenge-"));
    assert!(
        Path::new(filename)
            .extension()
            .is_some_and(|it| it == "txt")
    );
    assert_eq!(
        registered,
        json!({
            "id": id,
            "status": "pending",
            "submitted": "2026-11-20T12:00:00.269047Z",
            "validated": "",
            "destination_conf": BUCKET,
            "filename": filename,
        })
    );
    assert_eq!(
        world.get("/ownership").await?.result()?,
        &json!([registered])
    );

    let challenge = world.challenge(&registered).await?;
    assert!(challenge.len() >= 32);
    assert!(!challenge.contains(filename) && !filename.contains(&challenge));
    for wrong in [
        "",
        filename,
        &challenge[1..],
        &format!("{challenge}\n"),
        &challenge.to_uppercase(),
    ] {
        let answer = validate(&world, BUCKET, wrong).await?;
        answer.assert_failure(400, Some("/ownership_challenge"));
        assert!(!answer.body.to_string().contains(&challenge));
    }
    assert_eq!(
        world.get("/ownership").await?.result()?,
        &json!([registered])
    );

    world.pass(7);
    let proven = validate(&world, BUCKET, &challenge)
        .await?
        .result()?
        .clone();
    assert_eq!(proven["status"], "success");
    assert_eq!(proven["validated"], "2026-11-20T12:00:07.269047Z");
    assert_eq!(proven["id"], registered["id"]);
    world.pass(7);
    let again = validate(&world, BUCKET, &challenge).await?;
    assert_eq!(*again.result()?, proven);
    Ok(())
}

#[tokio::test]
async fn a_bucket_is_registered_once() -> Outcome {
    let world = World::new().await?;
    let first = world.register(BUCKET).await?;
    world.pass(1);
    assert_eq!(world.register(BUCKET).await?, first);
    let other = world.register("gs://captures/edge").await?;
    assert_ne!(other["id"], first["id"]);
    // The newest first.
    assert_eq!(
        world.get("/ownership").await?.result()?,
        &json!([other, first])
    );
    Ok(())
}

#[tokio::test]
async fn keys_come_back() -> Outcome {
    let world = World::new().await?;
    let conf = format!("r2://captures/edge?{KEYS}");
    let registered = world.register(&conf).await?;
    assert_eq!(registered["destination_conf"], conf);
    let challenge = world.challenge(&registered).await?;
    let proven = validate(&world, "r2://captures/edge", &challenge).await?;
    assert_eq!(proven.result()?["destination_conf"], conf);
    Ok(())
}

#[tokio::test]
async fn a_bucket_can_be_forgotten() -> Outcome {
    let world = World::new().await?;
    let registered = world.register(BUCKET).await?;
    let challenge = world.challenge(&registered).await?;
    let path = format!("/ownership/{}", registered["id"].as_str().ok_or("no id")?);
    let removed = Answer::of(world.request(Method::DELETE, &path)).await?;
    assert_eq!(removed.status, 204);
    assert_eq!(removed.body, Value::Null);
    assert_eq!(world.get("/ownership").await?.result()?, &json!([]));
    Answer::of(world.request(Method::DELETE, &path))
        .await?
        .assert_failure(404, None);
    validate(&world, BUCKET, &challenge)
        .await?
        .assert_failure(404, Some("/destination_conf"));
    // Anew, with another challenge.
    let again = world.register(BUCKET).await?;
    assert_ne!(again["id"], registered["id"]);
    assert_ne!(world.challenge(&again).await?, challenge);
    Ok(())
}

#[tokio::test]
async fn a_forgotten_bucket_keeps_no_challenge() -> Outcome {
    let world = World::new().await?;
    let registered = world.register(BUCKET).await?;
    let path = format!("/ownership/{}", registered["id"].as_str().ok_or("no id")?);
    world.challenge(&registered).await?;
    let removal = || Answer::of(world.request(Method::DELETE, &path));
    assert_eq!(removal().await?.status, 204);
    assert!(world.challenge(&registered).await.is_err());
    // One that somebody deleted already is no obstacle.
    let again = world.register(BUCKET).await?;
    let name = again["filename"].as_str().ok_or("no name")?;
    let (store, directory) = world.simulator.buckets().place(BUCKET)?;
    store.delete(&directory.join(name)).await?;
    let path = format!("/ownership/{}", again["id"].as_str().ok_or("no id")?);
    let removed = Answer::of(world.request(Method::DELETE, &path)).await?;
    assert_eq!(removed.status, 204);
    Ok(())
}

#[tokio::test]
async fn the_same_name_at_two_r2_accounts_is_two_buckets() -> Outcome {
    let world = World::new().await?;
    let conf = |account: &str| {
        format!(
            "r2://captures/edge?account-id={account}&access-key-id=k&secret-access-key={account}s"
        )
    };
    let one = world.register(&conf("one")).await?;
    let other = world.register(&conf("other")).await?;
    assert_ne!(one["id"], other["id"]);
    assert_eq!(other["destination_conf"], conf("other"));
    assert_eq!(world.register(&conf("one")).await?, one);

    // The challenge of one is not the other's.
    let challenge = world.challenge(&other).await?;
    validate(&world, &conf("one"), &challenge)
        .await?
        .assert_failure(400, Some("/ownership_challenge"));
    // Without an account it is the one whose challenge it is.
    let proven = validate(&world, "r2://captures/edge", &challenge).await?;
    assert_eq!(proven.result()?["id"], other["id"]);

    let start = async |conf: &str| {
        let body = but(full(), &json!({ "destination_conf": conf }));
        world.post("", &body).await
    };
    for refused in ["one", "third"] {
        start(&format!("r2://captures/edge?account-id={refused}"))
            .await?
            .assert_failure(400, Some("/destination_conf"));
    }
    start("r2://captures/edge").await?.result()?;
    Ok(())
}

#[tokio::test]
async fn names_of_objects_are_as_in_the_uri() -> Outcome {
    let world = World::new().await?;
    let registered = world
        .register("gs://captures/d%C3%A9j%C3%A0/~%7Bvu%7D")
        .await?;
    world.challenge(&registered).await?;
    let all = objects(world.simulator.buckets()).await?;
    let name = registered["filename"].as_str().ok_or("no name")?;
    assert_eq!(
        all.iter()
            .map(|it| it.location.as_ref())
            .collect::<Vec<_>>(),
        [format!("gs/captures/déjà/~{{vu}}/{name}")]
    );
    Ok(())
}

#[tokio::test]
async fn bodies_out_of_the_ordinary_are_refused() -> Outcome {
    let world = World::new().await?;
    for conf in [
        json!(null),
        json!(7),
        json!(""),
        json!("captures"),
        json!("s3://captures/edge"),
        json!("az://captures/edge"),
        json!("r2://captures/edge?secret-access-key=hunter2"),
        json!("gs://captures/../../../etc"),
        json!(format!("gs://captures/{}", "x".repeat(4_000))),
    ] {
        let answer = world
            .post("/ownership", &json!({ "destination_conf": conf }))
            .await?;
        answer.assert_failure(400, Some("/destination_conf"));
        assert!(!answer.body.to_string().contains("hunter2"));
    }
    world
        .post("/ownership", &json!({}))
        .await?
        .assert_failure(400, Some("/destination_conf"));
    world
        .post(
            "/ownership/validate",
            &json!({ "ownership_challenge": "x" }),
        )
        .await?
        .assert_failure(400, Some("/destination_conf"));
    for challenge in [json!(null), json!(7)] {
        let body = json!({ "destination_conf": BUCKET, "ownership_challenge": challenge });
        world
            .post("/ownership/validate", &body)
            .await?
            .assert_failure(400, Some("/ownership_challenge"));
    }
    Ok(())
}

#[tokio::test]
async fn buckets_in_a_folder_stay_in_it() -> Outcome {
    let outer = tempfile::tempdir()?;
    let folder = outer.path().join("one/two/buckets");
    let world = World::with({
        let buckets = Buckets::folder(&folder)?;
        |it| it.buckets(buckets)
    })
    .await?;
    for conf in [
        "gs://captures/..",
        "gs://captures/../../../../x",
        "gs://captures/%2e%2e/%2e%2e/%2e%2e/x",
        "gs://captures/..%2f..%2f..%2fx",
        r"gs://captures/..\..\..\x",
        "gs://captures/%252e%252e/%252e%252e/x",
        "gs://captures/%00/x",
        "gs://captures//etc/x",
        "gs://../x",
        "gs://..%2f..%2fx/y",
        "gs://%2e%2e/x",
        "gs:///x",
        "gs:x",
        "gs://captures/C:/x",
        "gs://captures/~/x",
        "gs://captures/file#1",
        "gs://captures/a%231",
    ] {
        let body = json!({ "destination_conf": conf });
        let answer = world.post("/ownership", &body).await?;
        assert!(
            matches!(answer.status.as_u16(), 200 | 400),
            "{conf}: {}",
            answer.body
        );
    }
    world.register(BUCKET).await?;
    let entries = |path: &Path| -> Outcome<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    };
    assert_eq!(entries(outer.path())?, ["one"]);
    assert_eq!(entries(&outer.path().join("one"))?, ["two"]);
    assert_eq!(entries(&outer.path().join("one/two"))?, ["buckets"]);
    assert_eq!(entries(&folder)?, ["gs", "s3"]);
    assert_eq!(entries(&folder.join("gs"))?, ["captures"]);
    assert_eq!(entries(&folder.join("s3/captures/edge"))?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_folder_that_is_none_is_named() -> Outcome {
    let file = tempfile::NamedTempFile::new()?;
    match Buckets::folder(file.path()) {
        Ok(_) => Err("it is a file".into()),
        Err(error) => {
            assert_eq!(error.kind(), pcaps_sim::ErrorKind::Folder);
            assert!(
                error
                    .to_string()
                    .contains(&file.path().display().to_string())
            );
            Ok(())
        }
    }
}

#[tokio::test]
async fn there_is_a_most_of_buckets() -> Outcome {
    let world = World::new().await?;
    for number in 0..100 {
        world.register(&format!("gs://captures/{number}")).await?;
    }
    let body = json!({ "destination_conf": "gs://captures/more" });
    world
        .post("/ownership", &body)
        .await?
        .assert_failure(400, None);
    world.register("gs://captures/7").await?;
    Ok(())
}
