//! A folder of recent traffic that does not grow.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use jiff::SignedDuration;
use pcaps::{ErrorKind, Recalling, RecentFile, Watch};
use pcaps_sim::faults::{Fault, Operation};

use crate::{
    history::{Scene, times, traffic},
    support::dropped_when,
};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

impl Scene {
    fn watch(&self) -> Watch {
        self.account.watch(self.folder.path().join("recent"))
    }

    /// The names of the files, without that by which others are kept out.
    fn names(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.folder.path().join("recent")).unwrap();
        let names = entries.map(|it| it.unwrap().file_name().into_string().unwrap());
        names.filter(|it| it != ".pcaps-watch").collect()
    }
}

fn assert_whole(file: &RecentFile) {
    assert!(!file.past.is_partial(), "{file:?}");
    assert!(times(&file.path) == traffic(file.past.from, file.past.to));
}

#[tokio::test]
async fn each_file_begins_where_the_last_ends_and_the_oldest_go() {
    let scene = Scene::set().await;
    let began = scene.time.now();
    // Some samples are full.
    let mut watch = scene.watch().keep(2).packet_limit(700);
    let first = watch.next().await.unwrap();
    // The first is there at once: it is of what has just passed.
    assert!(scene.time.now().duration_since(began) < MINUTE * 5);
    assert_eq!(began.duration_since(first.past.to).as_secs(), 5);
    fs::write(scene.folder.path().join("recent/notes.txt"), "mine").unwrap();
    let mut files = vec![first];
    for _ in 0..4 {
        files.push(watch.next().await.unwrap());
    }
    for pair in files.windows(2) {
        assert_eq!(pair[0].past.to, pair[1].past.from);
    }
    for file in &files {
        assert_eq!(file.past.to.duration_since(file.past.from), MINUTE * 5);
        assert_eq!(file.missing_from, None);
    }
    let name = |it: &RecentFile| it.path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut expected: BTreeSet<_> = files[3..].iter().map(name).collect();
    expected.insert("notes.txt".to_owned());
    assert_eq!(scene.names(), expected);
    assert_eq!(files[2].removed, [files[0].path.clone()]);
    files[3..].iter().for_each(assert_whole);
    // Each sample that was full was asked for in halves, within the time of its file.
    assert!(scene.samples() > 5);
    let minutes = scene.time.now().duration_since(began).as_mins();
    assert!((20..25).contains(&minutes), "{minutes}");
}

#[tokio::test]
async fn who_comes_back_goes_on_where_the_last_file_ends() {
    let scene = Scene::set().await;
    let first = scene.watch().next().await.unwrap();
    // A quarter of an hour later.
    pcaps::Clock::sleep(&scene.time, Duration::from_mins(15)).await;
    let mut watch = scene.watch();
    let mut last = first.past.to;
    let began = scene.time.now();
    for _ in 0..3 {
        let file = watch.next().await.unwrap();
        assert_eq!(file.past.from, last);
        assert_whole(&file);
        last = file.past.to;
    }
    // What has been missed comes at the pace of the service.
    assert!(scene.time.now().duration_since(began) < MINUTE * 3);

    // What is not kept any more is not asked for, and told.
    pcaps::Clock::sleep(&scene.time, Duration::from_hours(3)).await;
    let file = watch.next().await.unwrap();
    assert_eq!(file.missing_from, Some(last));
    let age = scene.time.now().duration_since(file.past.from);
    assert!(age <= MINUTE * (25 * 5 + 1), "{age}");
    assert!(age > MINUTE * (24 * 5), "{age}");
    assert_eq!(file.past.from.duration_since(last).as_secs() % 300, 0);
}

#[tokio::test]
async fn dropped_at_any_point_it_goes_on() {
    let scene = Scene::set().await;
    let watch = || scene.watch().packet_limit(500);
    for after in 0..3 {
        dropped_when(
            move |it: &Recalling| it.taken >= after,
            |mut tell| {
                let mut watch = watch().on_progress(move |it| tell(it));
                async move { watch.next().await }
            },
        )
        .await;
        let parts = scene.names();
        let is_parts = |it: &String| Path::new(it).extension().is_some_and(|it| it == "parts");
        assert!(parts.iter().all(is_parts), "{parts:?}");
        assert!(parts.len() <= 1);
    }
    let before = scene.samples();
    let file = watch().next().await.unwrap();
    assert_whole(&file);
    // Two samples were there already.
    assert!(
        scene.samples() - before <= 2,
        "{}",
        scene.samples() - before
    );
    assert_eq!(scene.names().len(), 1);

    // What another filter has begun is not gone on with.
    dropped_when(
        |it: &Recalling| it.taken == 1,
        |mut tell| {
            let mut watch = watch().on_progress(move |it| tell(it));
            async move { watch.next().await }
        },
    )
    .await;
    let mut other = watch().filter("udp".parse().unwrap());
    let udp = other.next().await.unwrap();
    assert_eq!(udp.past.from, file.past.to);
    let all = traffic(udp.past.from, udp.past.to).len() as u64;
    assert!(udp.past.packets > 0 && udp.past.packets < all);
    assert_eq!(scene.names().len(), 2);
}

#[tokio::test]
async fn an_outage_is_sat_out_however_long_it_lasts() {
    let scene = Scene::set().await;
    let mut watch = scene.watch();
    let first = watch.next().await.unwrap();
    let down = || Fault::answer(503, "text/plain", "later").unseen();
    for _ in 0..40 {
        scene.server.next(Operation::StartCapture, down());
    }
    let began = scene.time.now();
    let second = watch.next().await.unwrap();
    assert!(scene.time.now().duration_since(began) > MINUTE * 15);
    assert_eq!(second.past.from, first.past.to);
    assert_whole(&second);
    let body = r#"{"success":false,"errors":[],"messages":[],"result":null}"#;
    let refused = || Fault::answer(400, "application/json", body).unseen();
    // A refusal may be one of a moment.
    scene.server.next(Operation::StartCapture, refused());
    let third = watch.next().await.unwrap();
    assert_eq!(third.missing_from, None);
    assert_whole(&third);
    // A piece of time that the service refuses is left out, and the next one is not: also by who has only just begun.
    drop(watch);
    let mut watch = scene.watch();
    for _ in 0..3 {
        scene.server.next(Operation::StartCapture, refused());
    }
    let fifth = watch.next().await.unwrap();
    assert_eq!(fifth.missing_from, Some(third.past.to));
    assert_whole(&fifth);
    // What stands before the service may be wrong for a while.
    let odd = || Fault::answer(200, "text/html", "<html>").unseen();
    for _ in 0..20 {
        scene.server.next(Operation::StartCapture, odd());
    }
    scene.server.next(Operation::GetCapture, odd());
    let sixth = watch.next().await.unwrap();
    assert_eq!(sixth.missing_from, None);
    assert_whole(&sixth);
    // Credentials that are not taken any more are no outage.
    let gone = Fault::answer(401, "text/plain", "no");
    scene.server.always(Operation::StartCapture, gone.unseen());
    let error = watch.next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication, "{error}");
}

/// Whatever happens while one of its samples is taken.
#[tokio::test]
async fn a_file_of_many_samples_has_all_of_them() {
    let scene = Scene::set().await;
    let hour = Duration::from_hours(1);
    let mut watch = scene.watch().every(hour).keep(1).packet_limit(2_000);
    let first = watch.next().await.unwrap();
    assert_eq!(scene.samples(), 12);
    assert_whole(&first);
    dropped_when(
        |it: &Recalling| it.taken == 3,
        |mut tell| {
            drop(watch);
            let watch = scene.watch().every(hour).keep(1).packet_limit(2_000);
            let mut watch = watch.on_progress(move |it| tell(it));
            async move { watch.next().await }
        },
    )
    .await;
    let down = || Fault::answer(503, "text/plain", "later").unseen();
    for _ in 0..30 {
        scene.server.next(Operation::StartCapture, down());
    }
    let mut watch = scene.watch().every(hour).keep(1).packet_limit(2_000);
    let second = watch.next().await.unwrap();
    assert!(scene.time.now().duration_since(second.past.to) > MINUTE * 30);
    assert_eq!(second.past.from, first.past.to);
    assert_whole(&second);
    // It is late, and would still be kept.
    let third = watch.next().await.unwrap();
    assert_eq!(
        (third.past.from, third.missing_from),
        (second.past.to, None)
    );
    assert_eq!(scene.names().len(), 1);
}

#[tokio::test]
async fn the_longest_files_can_be_taken() {
    let scene = Scene::set().await;
    let watch = scene.watch().every(Duration::from_hours(12));
    let mut watch = watch.filter("icmp".parse().unwrap()).keep(1);
    let file = watch.next().await.unwrap();
    assert!(!file.past.is_partial());
    assert_eq!(file.past.windows.len(), 144);
}

#[cfg(unix)]
#[tokio::test]
async fn what_cannot_be_taken_away_is_told_and_nothing_else_goes() {
    use std::os::unix::fs::symlink;

    let scene = Scene::set().await;
    let recent = scene.folder.path().join("recent");
    let mut watch = scene.watch().keep(1);
    let first = watch.next().await.unwrap();
    // A folder of such a name is none of its files, and neither is one of a time that has not been yet.
    fs::create_dir(recent.join("20250101T000000Z-20250101T000500Z.pcap")).unwrap();
    fs::write(recent.join("20300101T000000Z-20300101T000500Z.pcap"), "").unwrap();
    // What a run has left that ended when it took its samples away.
    let left = recent.join("20250101T000000Z-20250101T000500Z.pcap.parts");
    fs::create_dir(&left).unwrap();
    fs::write(left.join("1735689600-300.pcap"), "").unwrap();
    let other = recent.join("20250101T000500Z-20250101T001000Z.pcap.parts");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("notes.txt"), "mine").unwrap();
    symlink(
        "nowhere",
        recent.join("20250102T000000Z-20250102T000500Z.pcap"),
    )
    .unwrap();
    let second = watch.next().await.unwrap();
    assert_eq!(second.removed, [first.path]);
    assert!(second.not_removed.is_empty());
    assert!(second.path.is_file() && other.join("notes.txt").is_file());
    assert!(!left.exists());
    assert_eq!(scene.names().len(), 5);

    drop(watch);
    let client = pcaps::Client::builder()
        .token("t")
        .base_url(scene.server.base_url());
    let other = client
        .build()
        .unwrap()
        .account("f".repeat(32).parse().unwrap());
    let error = other.watch(&recent).next().await.unwrap_err();
    assert!(error.to_string().contains("another account"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let scene = Scene::set().await;
    for (watch, says) in [
        (scene.watch().keep(0), "one file"),
        (scene.watch().every(Duration::from_secs(119)), "2m"),
        (scene.watch().every(Duration::from_hours(13)), "12h"),
        (
            scene.watch().every(Duration::from_millis(90_500)),
            "whole seconds",
        ),
        (scene.watch().packet_limit(0), "1 to 10000"),
    ] {
        let mut watch = watch;
        let error = watch.next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    assert_eq!(scene.samples(), 0);
    let mut one = scene.watch();
    one.next().await.unwrap();
    let error = scene.watch().next().await.unwrap_err();
    assert!(error.to_string().contains("another process"), "{error}");
}

#[cfg(unix)]
pub(crate) mod program {
    use std::{
        fs,
        io::{BufRead as _, BufReader, Read as _},
        process::{Child, Command, Stdio},
    };

    use serde_json::Value;

    use super::times;
    use crate::support::{pcaps, run};

    /// The first result of a simulator, which is there at once; then it is told to end.
    pub(crate) fn first(folder: &std::path::Path, arguments: &[&str]) -> (Child, String, String) {
        let mut command = pcaps();
        command.current_dir(folder).args(["watch", "recent"]);
        command.args(arguments).arg("--simulate");
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let ended = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status();
        assert!(ended.unwrap().success());
        stdout.read_to_string(&mut line).unwrap();
        let mut said = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        (child, line, said)
    }

    #[test]
    fn the_first_file_is_there_at_once_and_an_interruption_is_no_failure() {
        let folder = tempfile::tempdir().unwrap();
        let (mut child, line, said) = first(folder.path(), &["udp", "--output", "ndjson"]);
        assert_eq!(child.wait().unwrap().code(), Some(0), "{said}");
        let document: Value = serde_json::from_str(&line).unwrap();
        let path = folder
            .path()
            .join(document["file"]["path"].as_str().unwrap());
        assert_eq!(document["past"]["packets"], times(&path).len() as u64);
        assert!(document["past"]["packets"].as_u64().unwrap() > 100);
        assert_eq!(document["past"]["windows"].as_array().unwrap().len(), 1);
        let names = fs::read_dir(folder.path().join("recent")).unwrap();
        assert_eq!(names.count(), 2);

        // It goes on from there: the next is not due yet.
        let mut again = pcaps();
        again
            .current_dir(folder.path())
            .args(["watch", "recent", "--simulate"]);
        let mut again = again.stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(again.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("waiting until") {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0);
        }
        again.kill().unwrap();
        again.wait().unwrap();
    }

    #[test]
    fn people_read_a_line_for_each_file() {
        let folder = tempfile::tempdir().unwrap();
        let (mut child, line, said) = first(folder.path(), &["tcp", "--every", "2m", "--utc"]);
        assert_eq!(child.wait().unwrap().code(), Some(0), "{said}");
        assert!(
            line.starts_with("recent/2") && line.contains(" packets, from 2"),
            "{line}"
        );
    }

    #[test]
    fn a_dry_run_shows_what_the_first_file_takes() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = pcaps();
        command.current_dir(folder.path());
        command.args(["watch", "recent", "--every", "12m", "--dry-run"]);
        let run = run(command.args(["--simulate", "--json"]));
        assert_eq!(run.json()["requests"].as_array().unwrap().len(), 3);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (arguments, says) in [
            (["watch"].as_slice(), "DIR"),
            (&["watch", "recent", "--keep", "0"], "1.."),
            (
                &["watch", "recent", "--every", "30s", "--simulate"],
                "2m to 12h",
            ),
            (&["watch", "recent", "udp or tcp"], "or"),
            (&["watch", "recent", "--output", "id"], "no id"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let run = run(pcaps().current_dir(&folder).args(arguments));
            assert_eq!(run.code, Some(2), "{arguments:?}: {}", run.text());
            assert!(run.stderr.contains(says), "{arguments:?}: {}", run.text());
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        }
    }
}
