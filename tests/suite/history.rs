//! Traffic that has passed, taken in many samples.

use std::{fs, num::NonZeroU32, path::Path, thread, time::Duration};

use jiff::{SignedDuration, Timestamp};
use pcaps::{ErrorKind, History, PastTraffic, Recalling, WindowState};
use pcaps_file::Reader;
use pcaps_sim::{
    Simulator,
    faults::{Fault, FaultServer, Operation},
    traffic::Traffic,
};

use crate::{
    secrets,
    support::{ACCOUNT, TOKEN, account_at, dropped_when},
    time::Time,
};

const SEED: u64 = 7;
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

pub(crate) struct Scene {
    pub(crate) time: Time,
    _simulator: Simulator,
    pub(crate) server: FaultServer,
    pub(crate) account: pcaps::Account,
    pub(crate) folder: tempfile::TempDir,
}

impl Scene {
    pub(crate) async fn set() -> Self {
        let time = Time::start();
        let clock = time.clone();
        let simulator = Simulator::builder()
            .token(TOKEN)
            .account_id(ACCOUNT)
            .traffic(seen())
            .clock(move || clock.now());
        let simulator = simulator.start().await.unwrap();
        let server = FaultServer::before(&simulator).await.unwrap();
        Self {
            account: account_at(server.base_url(), &time),
            time,
            _simulator: simulator,
            server,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn output(&self) -> std::path::PathBuf {
        self.folder.path().join("past.pcap")
    }

    /// From so long ago until so long ago.
    fn history(&self, since: SignedDuration, until: SignedDuration) -> History {
        let now = self.time.now();
        let history = self.account.history(now - since, now - until);
        history.packet_limit(500).to_path(self.output())
    }

    /// How many samples were asked for.
    pub(crate) fn samples(&self) -> usize {
        let requests = self.server.requests();
        let starts = requests.iter();
        starts
            .filter(|it| it.operation == Some(Operation::StartCapture))
            .count()
    }

    /// What the file holds is what the traffic held.
    fn assert_all(&self, past: &PastTraffic) {
        self.assert_holds(&traffic(past.from, past.to), past);
    }

    fn assert_holds(&self, packets: &[(u64, u32)], past: &PastTraffic) {
        let found = times(&self.output());
        assert!(found == packets);
        assert_eq!(past.packets, found.len() as u64);
        assert!(!past.is_partial());
        assert!(!self.folder.path().join("past.pcap.parts").exists());
    }
}

/// Of the traffic one packet in so many is seen, so that a test is short.
fn seen() -> Traffic {
    Traffic::synthetic(SEED).with_sampling(NonZeroU32::new(20).unwrap())
}

/// Time and length of each packet.
pub(crate) fn times(path: &Path) -> Vec<(u64, u32)> {
    let mut reader = Reader::open(path).unwrap();
    let mut times = Vec::new();
    while let Some(packet) = reader.next_packet().unwrap() {
        times.push((packet.timestamp.as_nanos(), packet.original_len));
    }
    times
}

pub(crate) fn traffic(from: Timestamp, to: Timestamp) -> Vec<(u64, u32)> {
    let time = |it: Timestamp| {
        pcaps_file::Timestamp::from_parts(u32::try_from(it.as_second()).unwrap(), 0)
    };
    let traffic = seen();
    let packets = traffic.packets(time(from)..time(to));
    // A classic file has microseconds.
    let packet = |it: pcaps_sim::traffic::TrafficPacket| {
        let packet = it.as_packet();
        (
            packet.timestamp.as_nanos() / 1_000 * 1_000,
            packet.original_len,
        )
    };
    packets.map(packet).collect()
}

#[tokio::test]
async fn two_hours_hold_what_the_traffic_held() {
    let scene = Scene::set().await;
    let began = scene.time.now();
    let packets = thread::spawn(move || traffic(began - HOUR * 2, began));
    let history = scene.history(HOUR * 2, SignedDuration::ZERO);
    let past = history.packet_limit(700).await.unwrap();
    scene.assert_holds(&packets.join().unwrap(), &past);
    assert_eq!((past.from, past.to), (began - HOUR * 2, began));
    // 24 windows, of which some fit into a sample, and some have to be halved.
    let samples = scene.samples();
    assert!((26..=70).contains(&samples), "{samples}");
    let minutes = scene.time.now().duration_since(began).as_mins();
    assert_eq!(usize::try_from(minutes).unwrap(), samples - 1);
}

#[tokio::test]
async fn dropped_at_any_window_it_goes_on() {
    let scene = Scene::set().await;
    let undisturbed = scene
        .history(MINUTE * 10, SignedDuration::ZERO)
        .await
        .unwrap();
    scene.assert_all(&undisturbed);
    let whole = fs::read(scene.output()).unwrap();
    let alone = scene.samples();
    fs::remove_file(scene.output()).unwrap();

    // The same range, which is later now.
    let (from, to) = (undisturbed.from, undisturbed.to);
    for after in 0..4 {
        let is_time = move |it: &Recalling| it.taken >= after;
        dropped_when(is_time, |mut tell| {
            let history = match after {
                0 => scene
                    .account
                    .history(from, to)
                    .packet_limit(500)
                    .to_path(scene.output()),
                _ => scene.account.resume_history(scene.output()),
            };
            history.on_progress(move |it| tell(it))
        })
        .await;
        assert!(!scene.output().exists());
    }
    let journal = scene.folder.path().join("past.pcap.parts/history.ndjson");
    // A line that was being written when the process ended.
    let torn = fs::read_to_string(&journal).unwrap() + "{\"event\":\"taken\",\"fr";
    secrets::assert_none(&torn);
    fs::write(&journal, torn).unwrap();
    let again = scene.account.history(from, to).to_path(scene.output());
    let error = again.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");

    let before = scene.samples();
    let past = scene.account.resume_history(scene.output()).await.unwrap();
    scene.assert_all(&past);
    assert!(fs::read(scene.output()).unwrap() == whole);
    // Three windows had been taken, and what was under way is mostly gone on with; one request may come too early.
    let asked = scene.samples() - before;
    assert!(asked <= alone - 3 + 1, "{asked} of {alone}");
    let error = scene
        .account
        .resume_history(scene.output())
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("no history to resume"),
        "{error}"
    );
}

#[tokio::test]
async fn what_had_only_just_begun_is_nothing_to_go_on_from() {
    let scene = Scene::set().await;
    let parts = scene.folder.path().join("past.pcap.parts");
    fs::create_dir(&parts).unwrap();
    let journal = parts.join("history.ndjson");
    fs::write(&journal, "{\"history\":1,").unwrap();
    scene.assert_all(&scene.history(MINUTE, SignedDuration::ZERO).await.unwrap());

    fs::create_dir(&parts).unwrap();
    fs::write(parts.join("notes.txt"), "mine").unwrap();
    let error = scene.history(MINUTE, SignedDuration::ZERO).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert!(!journal.exists());
}

#[tokio::test]
async fn a_second_that_overflows_is_told() {
    let scene = Scene::set().await;
    let history = scene.history(SignedDuration::from_secs(4), SignedDuration::ZERO);
    let past = history.packet_limit(1).await.unwrap();
    assert!(past.is_partial());
    assert_eq!(past.windows.len(), 4);
    for window in &past.windows {
        let state = match window.packets {
            0 => WindowState::Whole,
            _ => WindowState::Overflowed,
        };
        assert_eq!(window.state, state);
    }
    // What the longer windows held is there, too.
    let seconds: u64 = past.windows.iter().map(|it| it.packets).sum();
    assert!(seconds >= 2 && past.packets >= seconds);
}

#[tokio::test]
async fn when_time_runs_out_there_is_what_there_is() {
    let scene = Scene::set().await;
    let history = scene.history(MINUTE * 10, SignedDuration::ZERO);
    let past = history.within(Duration::from_secs(90)).await.unwrap();
    assert!(past.is_partial());
    assert_eq!(scene.samples(), 2);
    let not_asked = |past: &PastTraffic| {
        let windows = past.windows.iter();
        windows
            .filter(|it| it.state == WindowState::NotAsked)
            .count()
    };
    assert_eq!((past.windows.len(), not_asked(&past)), (4, 4));
    assert!(past.packets >= 500);
    let past = scene.account.resume_history(scene.output()).await.unwrap();
    scene.assert_all(&past);
    assert_eq!(not_asked(&past), 0);
}

#[tokio::test]
async fn an_outage_is_sat_out_and_a_sample_that_is_lost_is_taken_again() {
    let scene = Scene::set().await;
    for _ in 0..8 {
        let down = Fault::answer(503, "text/plain", "later").unseen();
        scene.server.next(Operation::StartCapture, down);
    }
    let gone = Fault::answer(404, "text/plain", "no such file").unseen();
    scene.server.next(Operation::DownloadCapture, gone);
    let history = scene.history(MINUTE * 2, MINUTE);
    scene.assert_all(&history.await.unwrap());
    assert_eq!(scene.samples(), 8 + 2);

    // But not for ever: what is there stays.
    let down = Fault::answer(503, "text/plain", "later").unseen();
    scene.server.always(Operation::StartCapture, down);
    let error = scene.history(MINUTE * 2, MINUTE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Service, "{error}");
    assert!(error.to_string().contains("resume"), "{error}");
    assert!(scene.folder.path().join("past.pcap.parts").is_dir());
}

#[tokio::test]
async fn what_the_service_has_forgotten_is_told() {
    let scene = Scene::set().await;
    let now = scene.time.now();
    dropped_when(
        |it: &Recalling| it.taken == 1,
        |mut tell| {
            let history = scene.history(MINUTE * 10, SignedDuration::ZERO);
            history.on_progress(move |it| tell(it))
        },
    )
    .await;
    pcaps::Clock::sleep(&scene.time, Duration::from_hours(25)).await;
    let past = scene.account.resume_history(scene.output()).await.unwrap();
    assert!(past.is_partial());
    assert_eq!(scene.samples(), 1);
    let failed = |it: &&pcaps::PastWindow| matches!(it.state, WindowState::Failed { .. });
    assert_eq!(
        past.windows.iter().filter(failed).count(),
        past.windows.len()
    );
    assert!(past.packets > 0 && past.to <= now);
}

/// The service forgets while other windows are asked for.
#[tokio::test]
async fn what_gets_too_old_meanwhile_is_told() {
    let scene = Scene::set().await;
    let history = scene.history(HOUR * 24, HOUR * 24 - MINUTE * 5);
    let past = history.packet_limit(60).await.unwrap();
    let forgotten = past.windows.iter().filter(
        |it| matches!(&it.state, WindowState::Failed { reason, .. } if reason.contains("24 hours")),
    );
    let forgotten = forgotten.count();
    assert!(forgotten > 0 && past.is_partial(), "{past:?}");
    assert!(past.packets > 0);
}

#[tokio::test]
async fn a_part_that_is_not_as_it_was_is_taken_again() {
    let scene = Scene::set().await;
    dropped_when(
        |it: &Recalling| it.taken == 2,
        |mut tell| {
            let history = scene.history(MINUTE * 15, SignedDuration::ZERO);
            history.packet_limit(10_000).on_progress(move |it| tell(it))
        },
    )
    .await;
    let parts = scene.folder.path().join("past.pcap.parts");
    let parts = fs::read_dir(parts).unwrap().map(|it| it.unwrap().path());
    let captures = parts.filter(|it| it.extension().is_some_and(|it| it == "pcap"));
    let [torn, gone] = captures.collect::<Vec<_>>().try_into().unwrap();
    let whole = fs::read(&torn).unwrap();
    fs::write(&torn, &whole[..whole.len() / 2]).unwrap();
    fs::remove_file(gone).unwrap();
    let past = scene.account.resume_history(scene.output()).await.unwrap();
    scene.assert_all(&past);
}

#[tokio::test]
async fn ranges_that_cannot_be_are_refused() {
    let scene = Scene::set().await;
    let now = scene.time.now();
    for (from, to, says) in [
        (now, now, "has to be earlier"),
        (now - MINUTE, now + MINUTE * 2, "in the future"),
        (now - HOUR * 25, now, "more than 24 hours ago"),
    ] {
        let history = scene.account.history(from, to).to_path(scene.output());
        let error = history.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(says), "{error}");
    }
    let nowhere = scene.account.history(now - MINUTE, now).await.unwrap_err();
    assert!(nowhere.to_string().contains("which file"), "{nowhere}");
    let none = scene.history(MINUTE, SignedDuration::ZERO).packet_limit(0);
    none.await.unwrap_err();
    assert_eq!(scene.samples(), 0);
    assert_eq!(fs::read_dir(scene.folder.path()).unwrap().count(), 0);
}

mod program {
    use super::times;
    use crate::support::{pcaps, run};

    #[test]
    fn minutes_of_a_simulator_come_in_one_sample() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = pcaps();
        command.current_dir(folder.path());
        command.args(["history", "--since", "3m", "--until", "1m"]);
        let run = run(command.args(["--simulate", "-o", "past.pcap", "--json"]));
        let document = run.json();
        let packets = document["past"]["packets"].as_u64().unwrap();
        assert_eq!(
            packets,
            times(&folder.path().join("past.pcap")).len() as u64
        );
        assert!(packets > 1_000, "{packets}");
        assert_eq!(document["past"]["partial"], false);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[test]
    fn a_dry_run_shows_each_window_and_asks_for_none() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = pcaps();
        command
            .current_dir(folder.path())
            .args(["history", "udp", "--since", "2h"]);
        let run = run(command.args(["--simulate", "-o", "past.pcap", "--dry-run", "--json"]));
        let document = run.json();
        let requests = document["requests"].as_array().unwrap();
        assert_eq!(requests.len(), 24);
        for request in requests {
            assert_eq!(request["method"], "POST");
            assert_eq!(request["body"]["time_limit"], 300);
            assert_eq!(request["body"]["filter_v1"]["protocol"], 17);
        }
        let ends = requests
            .iter()
            .map(|it| it["body"]["offset_time"].as_str().unwrap());
        assert!(ends.is_sorted());
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (arguments, says) in [
            (["history", "-o", "past.pcap"].as_slice(), "--since"),
            (&["history", "--since", "soon", "-o", "p"], "such as 2h"),
            (
                &["history", "--since", "25h", "--simulate", "-o", "p"],
                "24 hours",
            ),
            (
                &["history", "--resume", "--simulate", "-o", "p"],
                "no history to resume",
            ),
            (
                &["history", "--resume", "--since", "2h", "-o", "p"],
                "cannot be used with",
            ),
            (&["history", "udp or tcp", "--since", "2h", "-o", "p"], "or"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let run = run(pcaps().current_dir(&folder).args(arguments));
            assert_eq!(run.code, Some(2), "{arguments:?}: {}", run.text());
            assert!(run.stderr.contains(says), "{arguments:?}: {}", run.text());
            assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        }
    }
}
