//! A capture that none of us made goes through the whole chain, again and again, and what comes out is known from
//! another program.

use std::path::PathBuf;

use pcaps_file::{Packet, Reader};
use pcaps_sim::{Simulator, traffic::Traffic};

use crate::support::{pcaps_of, root, run};

/// From tcpdump's own tests; see the README beside it.
fn traffic() -> PathBuf {
    root().join("crates/pcaps-file/tests/data/dns.pcap")
}

/// The numbers of the frames that `tshark -r dns.pcap -Y FILTER -T fields -e frame.number` prints.
const TO_53: [usize; 21] = [
    1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 33, 35, 37, 39, 41,
];
const FROM_53: [usize; 21] = [
    2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 42,
];

/// What a packet is, apart from when: its bytes as a sample keeps them, its length, its link type.
type Seen = (Vec<u8>, u32, u16);

/// How long after a repetition of the recording begins the next one does, in nanoseconds, by what capinfos
/// prints: 20.651452 s between the first of 42 packets and the last, and the mean gap of 0.503693 s.
const PERIOD: u64 = 21_155_145_000;

/// How far a sample looks back, in nanoseconds.
const WINDOW: u64 = 300_000_000_000;

fn packets(path: PathBuf) -> (Vec<u64>, Vec<Seen>) {
    let mut reader = Reader::open(path).unwrap();
    let (mut times, mut packets) = (Vec::new(), Vec::new());
    while let Some(Packet {
        timestamp,
        link_type,
        original_len,
        bytes,
    }) = reader.next_packet().unwrap()
    {
        times.push(timestamp.as_nanos());
        packets.push((
            bytes[..bytes.len().min(160)].to_vec(),
            original_len,
            link_type.0,
        ));
    }
    (times, packets)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_takes_the_packets_that_tshark_takes() {
    let simulator = Simulator::builder()
        .traffic(Traffic::replay(&traffic()).unwrap())
        .unlimited(true)
        .start()
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (all_times, all) = packets(traffic());
    for (filter, frames) in [
        ("udp and dst port 53", TO_53),
        ("udp and src port 53", FROM_53),
    ] {
        let out = folder.path().join("out.pcap");
        let mut command = pcaps_of(&simulator);
        command.args(["capture", filter, "-o"]).arg(&out);
        run(&mut command).ok();
        let (times, found) = packets(out);
        // Moved in time, gaps kept; repeated to the end of the window.
        let repetitions = (0..).map(|repetition| repetition * PERIOD);
        let (offsets, expected): (Vec<u64>, Vec<Seen>) = repetitions
            .flat_map(|begin| frames.map(|number| (begin, number - 1)))
            .map(|(begin, index)| (begin + all_times[index] - all_times[0], all[index].clone()))
            .take_while(|(offset, _)| *offset < WINDOW)
            .unzip();
        assert!(expected.len() > 14 * frames.len(), "{filter}");
        assert_eq!(found, expected, "{filter}");
        let moved = times[0] - offsets[0];
        let expected: Vec<_> = offsets.iter().map(|offset| offset + moved).collect();
        assert_eq!(times, expected, "{filter}");
    }
    simulator.shutdown().await;
}
