//! Packets of many kinds.

use pcaps_file::LinkType;

const MACS: [u8; 12] = [0, 0, 0x5e, 0, 0x53, 1, 0, 0, 0x5e, 0, 0x53, 2];
const TO_ALL: [u8; 12] = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0x5e, 0, 0x53, 2];

fn frame(ether_type: u16, payload: &[u8]) -> Vec<u8> {
    [&MACS[..], &ether_type.to_be_bytes(), payload].concat()
}

fn v4(protocol: u8, options: u8, fragment: u16, to: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(20 + 4 * usize::from(options) + payload.len()).expect("short");
    let mut header = vec![0x45 + options, 0];
    header.extend(len.to_be_bytes());
    header.extend([0x12, 0x34]);
    header.extend(fragment.to_be_bytes());
    header.extend([64, protocol, 0, 0, 192, 0, 2, 1]);
    header.extend(to);
    header.extend(vec![1; 4 * usize::from(options)]);
    header.extend(payload);
    header
}

fn v6(next: u8, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).expect("short");
    let mut header = vec![0x60, 0, 0, 0];
    header.extend(len.to_be_bytes());
    header.extend([next, 64]);
    header.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    header.extend([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x16]);
    header.extend(payload);
    header
}

fn ports(from: u16, to: u16, rest: &[u8]) -> Vec<u8> {
    [&from.to_be_bytes()[..], &to.to_be_bytes(), rest].concat()
}

fn tcp(from: u16, to: u16, flags: u8) -> Vec<u8> {
    ports(
        from,
        to,
        &[
            0, 0, 0, 1, 0, 0, 0, 2, 0x50, flags, 1, 0, 0, 0, 0, 0, b'G', b'E', b'T', b' ',
        ],
    )
}

fn udp(from: u16, to: u16) -> Vec<u8> {
    ports(from, to, &[0, 12, 0, 0, 1, 2, 3, 4])
}

fn vlan(id: u16, ether_type: u16, payload: &[u8]) -> Vec<u8> {
    [&id.to_be_bytes()[..], &ether_type.to_be_bytes(), payload].concat()
}

fn arp(from: [u8; 4], to: [u8; 4]) -> Vec<u8> {
    let [a, b] = [[0, 1, 8, 0, 6, 4, 0, 1], [0, 0, 0x5e, 0, 0x53, 1, 0, 0]];
    [&a[..], &b[..6], &from, &[0; 6], &to].concat()
}

/// Ethernet frames: every branch of the filters' rules has one.
pub(crate) fn ethernet() -> Vec<Vec<u8>> {
    let one = [198, 51, 100, 1];
    let two = [10, 0, 0, 2];
    let request = v4(17, 0, 0, two, &udp(1024, 53));
    let mut all = vec![
        frame(0x0800, &v4(6, 0, 0, one, &tcp(1024, 443, 0x02))),
        frame(0x0800, &v4(6, 1, 0x4000, one, &tcp(443, 1024, 0x12))),
        frame(0x0800, &v4(6, 0, 0, two, &tcp(80, 8080, 0x18))),
        frame(0x0800, &request),
        frame(0x0800, &v4(17, 2, 0, one, &udp(53, 1024))),
        frame(0x0800, &v4(17, 0, 0x2000, two, &udp(53, 53))),
        frame(0x0800, &v4(17, 0, 0x00b9, two, &udp(53, 53))),
        frame(0x0800, &v4(132, 0, 0, two, &ports(53, 2905, &[0; 8]))),
        frame(0x0800, &v4(1, 0, 0, two, &[8, 0, 0, 0, 0, 1, 0, 1])),
        frame(
            0x0800,
            &v4(
                1,
                0,
                0,
                two,
                &[[3, 3, 0, 0, 0, 0, 0, 0].to_vec(), request.clone()].concat(),
            ),
        ),
        frame(0x0800, &v4(2, 1, 0, [224, 0, 0, 22], &[0x22, 0, 0, 0])),
        frame(
            0x0800,
            &v4(47, 0, 0, two, &[&[0, 0, 8, 0], &request[..]].concat()),
        ),
        frame(0x0800, &v4(4, 0, 0, two, &request)),
        frame(0x0800, &v4(50, 0, 0, two, &[0, 0, 0, 9])),
        frame(0x0800, &v4(103, 0, 0, [224, 0, 0, 13], &[0x20, 0, 0, 0])),
        frame(0x0800, &v4(112, 0, 0, [224, 0, 0, 18], &[0x21, 1, 100, 1])),
        frame(0x86dd, &v6(6, &tcp(1024, 443, 0x02))),
        frame(0x86dd, &v6(17, &udp(1024, 53))),
        frame(0x86dd, &v6(132, &ports(53, 2905, &[0; 8]))),
        frame(0x86dd, &v6(58, &[135, 0, 0, 0, 0, 0, 0, 0])),
        frame(
            0x86dd,
            &v6(
                44,
                &[&[17, 0, 0, 1, 0, 0, 0, 7], &udp(1024, 53)[..]].concat(),
            ),
        ),
        frame(
            0x86dd,
            &v6(
                0,
                &[&[58, 0, 5, 2, 0, 0, 1, 0], &[143, 0, 0, 0, 0, 0, 0, 1][..]].concat(),
            ),
        ),
        frame(0x0806, &arp([192, 0, 2, 1], two)),
        frame(0x8035, &arp(two, [192, 0, 2, 1])),
        frame(0x88cc, &[2, 7, 4, 0, 0, 0x5e, 0, 0x53, 1]),
        frame(38, &[0x42, 0x42, 3, 0, 0, 0, 0, 0]),
        frame(0x8100, &vlan(100, 0x0800, &request)),
        frame(0x8100, &vlan(0x2064, 0x86dd, &v6(6, &tcp(1024, 80, 0x10)))),
        frame(0x88a8, &vlan(200, 0x8100, &vlan(100, 0x0800, &request))),
        frame(0x0800, &[0x41, 0, 0, 20, 0, 0, 0, 0, 64, 6, 0, 0]),
    ];
    all.push([&TO_ALL[..], &[0x08, 0x06], &arp([10, 0, 0, 2], one)].concat());
    all.push([&[1, 0, 0x5e, 0, 0, 22], &MACS[6..], &[8, 0], &request[..]].concat());
    all
}

/// What a frame carries, as packets of other link types, and the frame itself.
pub(crate) fn as_every_link_type(frame: &[u8]) -> Vec<(LinkType, Vec<u8>)> {
    let (ether_type, payload) = (&frame[12..14], &frame[14..]);
    let of = |link_type, header: &[u8]| (link_type, [header, payload].concat());
    let cooked = [
        &[0, 0, 0, 1, 0, 6, 0, 0, 0x5e, 0, 0x53, 1, 0, 0],
        ether_type,
    ]
    .concat();
    let cooked_2 = [
        ether_type,
        &[0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 0, 0, 0x5e, 0, 0x53, 1, 0, 0],
    ]
    .concat();
    let mut all = vec![
        (LinkType::ETHERNET, frame.to_vec()),
        of(LinkType::LINUX_SLL, &cooked),
        of(LinkType::LINUX_SLL2, &cooked_2),
        of(LinkType::RAW, &[]),
    ];
    match ether_type {
        [0x08, 0] => all.extend([of(LinkType::NULL, &[2, 0, 0, 0]), of(LinkType::IPV4, &[])]),
        [0x86, 0xdd] => all.extend([of(LinkType::NULL, &[30, 0, 0, 0]), of(LinkType::IPV6, &[])]),
        _ => {}
    }
    all
}
