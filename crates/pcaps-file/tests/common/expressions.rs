//! Expressions that tcpdump has as well.

use proptest::prelude::*;
use proptest::sample::select;

pub(crate) const LIST: &[&str] = &[
    "",
    "ip",
    "ip6",
    "arp",
    "rarp",
    "tcp",
    "udp",
    "sctp",
    "icmp",
    "icmp6",
    "igmp",
    "pim",
    "vrrp",
    "esp",
    "proto 47",
    "ip proto 4",
    r"ip proto \udp",
    r"ip6 proto \tcp",
    "ip6 proto 58",
    "not ip",
    "not tcp",
    "not udp and not arp",
    "host 192.0.2.1",
    "src host 10.0.0.2",
    "dst 10.0.0.2",
    "src and dst host 10.0.0.2 or ip6",
    "src or dst 198.51.100.1",
    "not host 10.0.0.2",
    "ip host 192.0.2.1",
    "arp host 192.0.2.1",
    "rarp dst host 192.0.2.1",
    "host 2001:db8::1",
    "dst host ff02::16",
    "not src 2001:db8::1",
    "net 10",
    "net 192.0.2.0/24",
    "src net 10.0.0.0/8",
    "dst net 198.51.100.0 mask 255.255.255.0",
    "not net 10.0.0.0/9",
    "net 192.0 or net 172.16.0.0/12",
    "net 0.0.0.0/0",
    "net 2001:db8::/32",
    "not dst net ff02::/16",
    "src net 2001:db8::/127",
    "port 53",
    "src port 53",
    "dst port 443",
    "src and dst port 53",
    "udp port 53",
    "tcp port 443 or 80",
    "sctp src port 53",
    "not port 53",
    "not udp port 53",
    "not tcp dst port 443",
    "portrange 50-100",
    "tcp src portrange 80-500",
    "dst portrange 500-400",
    "not udp portrange 0-65535",
    "host 192.0.2.1 and not (port 53 or port 443)",
    "tcp or udp and port 53",
    "udp and port 53 or icmp and host 10.0.0.2",
    "tcp port (80 or 443) or 8080",
    "port not (53 or 80)",
    "src 192.0.2.1 or 10.0.0.2 and not arp",
    "less 60",
    "greater 60",
    "not less 60 and not greater 70",
    "len == 54",
    "len - 14 != ip[2:2] and ip",
    "ether host 00:00:5e:00:53:01",
    "ether src 0:0:5e:0:53:2",
    "not ether dst ff:ff:ff:ff:ff:ff",
    "ether broadcast",
    "ether multicast",
    "not multicast",
    "ip multicast",
    "ip6 multicast",
    "not ip multicast",
    r"ether proto \arp",
    "ether proto 0x88cc",
    "ether proto 0x8100",
    "vlan",
    "vlan 100",
    "not vlan",
    "vlan and ip",
    "vlan 100 and udp port 53",
    "vlan 200 and vlan 100 and host 10.0.0.2",
    "ip or vlan and ip6",
    "tcp or (vlan and tcp)",
    "not (vlan 100 and udp)",
    "tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn",
    "tcp[tcpflags] & tcp-ack != 0",
    "tcp[13] = 2",
    "not tcp[13] = 2",
    "tcp[(tcp[12] >> 4) * 4:4] = 0x47455420",
    "not tcp[(tcp[12] >> 4) * 4:4] = 0x47455420",
    "tcp[0:2] + 1 > 80",
    "udp[4:2] >= 12",
    "udp[0:2] = udp[2:2]",
    "icmp[icmptype] == icmp-echo",
    "icmp[icmptype] != icmp-echo and icmp[icmpcode] > 0",
    "icmp6[icmp6type] == icmp6-neighborsolicit",
    "not icmp6[0] == 135",
    "igmp[0] & 0xf0 == 0x20",
    "sctp[2:2] = 2905",
    "pim[0] & 0xf == 0",
    "ip[8] < 65",
    "ip[0] & 0xf > 5",
    "ip[0] & 0xf != 5",
    "ip[6:2] & 0x1fff != 0",
    "ip[6] & 0x20 != 0 or ip[6:2] & 0x1fff > 0",
    "ip[12:4] = 0xc0000201",
    "ip[2:2] % 2 = 1",
    "ip[2:2] / 3 * 3 = ip[2:2]",
    "ip[1] ^ ip[8] = 64",
    "ip[ip[0] & 0xf] > 0",
    "ip6[6] = 44",
    "ip6[4:2] <= 24 and ip6[7] = 64",
    "arp[6:2] = 1",
    "ether[0] & 1 = 0",
    "ether[12:2] > 1500",
    "not ether[20] = 0",
    "len - tcp[12] > 4",
    "-ip[8] > 1",
    "64 = ip[8] or 1 > 2",
    "tcp[4:4] << 4 = 16",
    "(ip[0] >> 4) - 4 = 0",
    "ip[0] / ip[1] = 3 or udp",
    "ip[0] / (ip[8] - 64) != 3",
];

fn host() -> impl Strategy<Value = String> {
    let v4 = select(vec!["192.0.2.1", "10.0.0.2", "198.51.100.1", "224.0.0.22"]);
    let v6 = select(vec!["2001:db8::1", "ff02::16", "::1"]);
    prop_oneof![
        (select(vec!["", "ip ", "arp ", "rarp "]), way(), v4)
            .prop_map(|(of, way, address)| format!("{of}{way}host {address}")),
        (select(vec!["", "ip6 "]), way(), v6)
            .prop_map(|(of, way, address)| format!("{of}{way}host {address}")),
        (
            way(),
            select(vec![
                "10.0.0.0/8",
                "192.0.2.0/30",
                "198.51/16",
                "2001:db8::/64",
                "ff00::/9"
            ])
        )
            .prop_map(|(way, net)| format!("{way}net {net}")),
    ]
}

fn way() -> impl Strategy<Value = &'static str> {
    select(vec!["", "src ", "dst ", "src or dst ", "dst and src "])
}

fn port() -> impl Strategy<Value = String> {
    let value = select(vec![53_u16, 80, 443, 1024, 8080, 2905]);
    let of = select(vec!["", "tcp ", "udp ", "sctp "]);
    prop_oneof![
        (of.clone(), way(), value.clone())
            .prop_map(|(of, way, port)| format!("{of}{way}port {port}")),
        (of, way(), value.clone(), value)
            .prop_map(|(of, way, a, b)| format!("{of}{way}portrange {a}-{b}")),
    ]
}

fn number() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        select(vec![
            "0", "1", "2", "4", "6", "13", "0x40", "53", "255", "0x1fff", "tcp-syn"
        ])
        .prop_map(str::to_owned),
        Just("len".to_owned()),
        (
            select(vec![
                "ether", "ip", "ip6", "arp", "tcp", "udp", "sctp", "icmp", "icmp6", "igmp", "pim"
            ]),
            0..44_u32,
            select(vec!["", ":1", ":2", ":4"]),
        )
            .prop_map(|(of, offset, size)| format!("{of}[{offset}{size}]")),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        let operator = select(vec!["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>"]);
        // A known zero on the right of a division, and a known large number of a shift, are errors.
        let right = prop_oneof![
            select(vec!["1", "2", "3", "7"]).prop_map(str::to_owned),
            inner.clone()
        ]
        .prop_filter("refused", |it| {
            !["0", "53", "0x40", "255", "0x1fff"].contains(&it.as_str())
        });
        prop_oneof![
            4 => (inner.clone(), operator, right).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            1 => inner.clone().prop_map(|it| format!("({it})")),
            1 => inner.prop_map(|it| format!("ip[{it} & 0x1f]")),
        ]
    })
}

fn test() -> impl Strategy<Value = String> {
    let word = select(vec![
        "ip",
        "ip6",
        "arp",
        "rarp",
        "tcp",
        "udp",
        "sctp",
        "icmp",
        "icmp6",
        "igmp",
        "pim",
        "esp",
        "proto 47",
        "ip proto 17",
        "ip6 proto 17",
        "less 60",
        "greater 60",
        "ip multicast",
        "ip6 multicast",
        "ether proto 0x88cc",
        "ether[0] = 0",
    ]);
    let relation = select(vec!["=", "==", "!=", "<", "<=", ">", ">="]);
    prop_oneof![
        2 => word.prop_map(str::to_owned),
        2 => host(),
        2 => port(),
        2 => (number(), relation, number()).prop_map(|(a, relation, b)| format!("{a} {relation} {b}")),
    ]
}

/// Any expression.
pub(crate) fn any() -> impl Strategy<Value = String> {
    test().prop_recursive(4, 12, 3, |inner| {
        prop_oneof![
            2 => inner.clone().prop_map(|it| format!("not {it}")),
            2 => inner.clone().prop_map(|it| format!("({it})")),
            3 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} and {b}")),
            3 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} || {b}")),
            1 => (port(), select(vec!["80", "53", "(53 or 443)", "not 1024"]), inner)
                .prop_map(|(port, value, more)| format!("{port} or {value} and {more}"))
                .prop_filter("a value of a range", |it| !it.contains("portrange")),
        ]
    })
}
