//! The filter language, against what tcpdump makes of the same expressions.

use std::fmt::Write;

use pcaps_file::LinkType;
use pcaps_file::filter::{Expr, Program, Span, Spanned, parse};
use proptest::prelude::*;

#[path = "common/expressions.rs"]
mod expressions;

/// The tree in brackets.
fn tree(expr: &Expr) -> String {
    let list = |name: &str, parts: &[Expr]| {
        let parts: Vec<_> = parts.iter().map(tree).collect();
        format!("{name}[{}]", parts.join(", "))
    };
    match expr {
        Expr::All => "all".to_owned(),
        Expr::And(parts) => list("and", parts),
        Expr::Or(parts) => list("or", parts),
        Expr::Not(inner) => format!("not[{}]", tree(&inner.value)),
        Expr::Primitive(primitive) => primitive.value.to_string(),
    }
}

#[test]
fn expressions() {
    let inputs = [
        "",
        "  \n ",
        "host 192.0.2.1",
        "src host 192.0.2.1",
        "dst 2001:db8::1",
        "src or dst host 192.0.2.1",
        "dst and src 192.0.2.1",
        "ip host 192.0.2.1",
        "ip6 src ::1",
        "net 192.0.2.0/24",
        "net 10",
        "net 192.168",
        "net 10.0/8",
        "net 192.0.2.1",
        "net 0.0.0.0/0",
        "src net 10.0.0.0 mask 255.255.0.0",
        "net 2001:db8::/32",
        "net ::/0 or ::1",
        "port 53",
        "port domain",
        "dst port https",
        "tcp port 443",
        "udp src or dst port 53",
        "sctp dst portrange 5-6",
        "portrange 90-80",
        "portrange 80",
        "tcp",
        "UDP AND Port 53",
        "icmp or icmp6 or igmp or gre or esp or ah or sctp",
        "proto 47",
        "ip proto tcp",
        r"ip6 proto \udp",
        "ip or ip6",
        "less 128 and greater 64",
        "a or b",
        "tcp or udp and port 53",
        "tcp or (udp and port 53)",
        "tcp and udp and ip",
        "not host 192.0.2.1 and tcp",
        "! tcp && !(udp || ip)",
        "not not tcp",
        "port 80 or 443",
        "tcp port 80 or 443 and 8080",
        "port (80 or 443)",
        "host not 192.0.2.1",
        "port 80 or not 443",
        "src host 192.0.2.1 or 192.0.2.2",
        "host (192.0.2.1 or 192.0.2.2) and port 53",
        "src host 192.0.2.1 or port 80 or 90",
        "portrange 80-90 or 443",
        "src 192.0.2.1 or dst 192.0.2.2",
        "tcp port (80 or 443) or 8080",
        "port not (80 or 443) or 8080",
        "port 80 or (443 or 90) and 8080",
        "port 80 or (udp) or 90",
        "port 80 or (src port 90) or 100",
        "host 192.0.2.1 or (port 80 or 90) or 192.0.2.2",
        "arp or rarp host 192.0.2.1 or ip src net 10/8 or arp dst 192.0.2.1",
        "ip6 host ::1 or ip host 192.0.2.1",
        r"ether proto \arp or ip6 or 0x88cc",
        "ether src 0:0:5e:0:53:1 or ether host 00:00:5E:00:53:02",
        "broadcast or ether multicast or ip multicast or ip6 multicast",
        "vlan and vlan 0x64 and pim or igrp or vrrp",
        "tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn",
        "tcp[13] = 2 or icmp[icmptype] != icmp-echo and icmp6[icmp6type]==icmp6-routeradvert",
        "ip[2:2]>576 or ip6[6:1]<=6 or ether[0]&1!=0 or arp[7]<2 or rarp[7]>=3",
        "len - 14 - 4 * (ip[0] & 0xf) > 0 or length == 64",
        "tcp[(tcp[12]>>4)*4:4] = 0x47455420",
        "((tcp[0] + 1) * 2) == -4 or (4) = len or not (ip[8]) < 5",
        "1 + 2 * 3 & 4 | 5 << 1 - 2 == 8 / 2 / 2",
        "1 * 2 % 3 + 4 ^ 5 | 6 == -len % 2 + 1",
        "port 80 or 443 < len or port 80 or (443) or (443) > len",
        "not tcp[0] == 1 and udp[0] == 1",
        "port 0x50 or proto 0x11",
    ];
    let mut text = String::new();
    for input in inputs {
        let result = match parse(input) {
            Ok(expr) => tree(&expr),
            Err(error) => format!("error: {error}"),
        };
        writeln!(text, "{input:?}\n    {result}").expect("a string");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn errors() {
    let inputs = [
        "host example.com",
        "host bücher.example and tcp",
        "tcp and host",
        "host 192.0.2",
        "host 192.0.2.0/24",
        "src 80",
        "host ::1::",
        "192.0.2.1",
        "10.0.0.0/8",
        "443",
        "tcp 443",
        "tcp or 443",
        "tcp udp",
        "port 80 443",
        "port 70000",
        "port 010",
        "port 80-90",
        "port frob",
        "portrange 1-70000",
        "net 10.1.2.3/8",
        "net 10.0.0.0/33",
        "net 10.0.0.0 mask 255.0.255.0",
        "net 10.0.0.0/8 mask 255.0.0.0",
        "net 2001:db8:: mask 255.0.0.0",
        "net 10.0.0.0 mask",
        "net example",
        "proto frob",
        "ip proto 300",
        "src proto 6",
        "tcp host 192.0.2.1",
        "icmp port 80",
        "ip port 80",
        "ip6 host 192.0.2.1",
        "tcp proto 6",
        "mpls 5 and tcp",
        "vlan 4096",
        "ether host 00:00:00:00:00",
        "ether host 192.0.2.1",
        "ether net 10.0.0.0/8",
        "ether port 80",
        "ether and tcp",
        "ether proto 0x5ff",
        "arp host ::1",
        "arp proto 6",
        "ip broadcast",
        "tcp multicast",
        "tcp[13] & 2",
        "(tcp[13] & 2) and tcp",
        "len and tcp",
        "tcp[13",
        "tcp[13:3] == 1",
        "tcp[] == 1",
        "gre[0] == 1",
        "frob[0] == 1",
        "tcp[0] == tcp",
        "tcp[0] == ",
        "(tcp[0] == 1",
        "5 == (len",
        "len / 0 == 1",
        "len << 32 == 1",
        "len == 08",
        "len == 4294967296",
        "tcp[0] == 1 or 2",
        "less many",
        "less",
        "()",
        "(tcp",
        "tcp)",
        "port (80 or tcp)",
        "tcp and",
        "and tcp",
        "not",
        "frobnicate",
        "tcp\tand\n\"x\"",
        "日本 host",
        "port 80 or (",
        "(src host 192.0.2.1) or 192.0.2.2",
        "(port (80)) or 443",
        "not (port 80) or 443",
        "port 80 or (tcp or 90)",
    ];
    let mut text = String::new();
    for input in inputs {
        match parse(input) {
            Ok(expr) => writeln!(text, "{input:?} is no error: {}\n", tree(&expr)),
            Err(error) => writeln!(text, "{}\n{error}\n", error.caret(input)),
        }
        .expect("a string");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn spans() {
    let input = "not (tcp port 80 or 443) and src net 10.0.0.0 mask 255.0.0.0";
    let text = |expr: &Expr| &input[expr.span().start..expr.span().end];
    let expr = parse(input).expect("an expression");
    assert_eq!(text(&expr), input);
    let Expr::And(parts) = &expr else {
        panic!("a conjunction")
    };
    assert_eq!(text(&parts[0]), "not (tcp port 80 or 443)");
    assert_eq!(text(&parts[1]), "src net 10.0.0.0 mask 255.0.0.0");
    let Expr::Not(not) = &parts[0] else {
        panic!("a negation")
    };
    let Expr::Or(values) = &*not.value else {
        panic!("a disjunction")
    };
    assert_eq!(text(&values[0]), "tcp port 80");
    assert_eq!(text(&values[1]), "443");
}

#[test]
fn hostile_nesting_is_an_error() {
    let deep = 100_000;
    let inputs = [
        "(".repeat(deep),
        "not ".repeat(deep),
        format!("{}tcp{}", "(".repeat(deep), ")".repeat(deep)),
        format!("tcp{}", " and tcp or udp".repeat(deep)),
        format!("port {}80", "not (".repeat(deep)),
        format!("{}1", "-".repeat(deep)),
        format!("len == {}1", "(".repeat(deep)),
        format!("len == {}1", "-".repeat(deep)),
        format!("len == 1{}", " ^ 1".repeat(deep)),
        format!("len == 1{}", " + 1".repeat(deep)),
        "ip[".repeat(deep),
    ];
    for input in inputs {
        let error = parse(&input).expect_err("too deep");
        assert!(error.message().contains("levels deep"), "{error}");
    }
    // Long is not deep.
    assert!(parse(&format!("tcp{}", " or port 1".repeat(deep))).is_ok());
    let nested = format!("{}tcp{}", "(".repeat(90), ")".repeat(90));
    assert!(parse(&nested).is_ok());
}

#[test]
fn pieces_of_expressions_do_not_panic() {
    let input =
        "not (tcp port 80 or bücher) && src net 10.0/8 mask 日本 != [x] || host ::1/ or less 5";
    let bounds: Vec<_> = (0..=input.len())
        .filter(|&at| input.is_char_boundary(at))
        .collect();
    for (at, &start) in bounds.iter().enumerate() {
        for &end in &bounds[at..] {
            let piece = &input[start..end];
            if let Err(error) = parse(piece) {
                assert!(error.span().start <= error.span().end && error.span().end <= piece.len());
                assert!(error.caret(piece).contains('^'));
                error.caret("");
            }
        }
    }
}

/// The tree, with every place forgotten.
fn without_places(expr: &Expr) -> Expr {
    let span = Span::default();
    match expr {
        Expr::All => Expr::All,
        Expr::And(parts) => Expr::And(parts.iter().map(without_places).collect()),
        Expr::Or(parts) => Expr::Or(parts.iter().map(without_places).collect()),
        Expr::Not(inner) => Expr::Not(Spanned {
            value: Box::new(without_places(&inner.value)),
            span,
        }),
        Expr::Primitive(primitive) => Expr::Primitive(Spanned {
            value: primitive.value.clone(),
            span,
        }),
    }
}

#[track_caller]
fn survives_printing(input: &str) {
    let Ok(expr) = parse(input) else { return };
    let printed = expr.to_string();
    let again = parse(&printed).unwrap_or_else(|error| panic!("{input} as {printed}: {error}"));
    assert_eq!(
        without_places(&again),
        without_places(&expr),
        "{input} as {printed}"
    );
}

#[test]
fn what_is_printed_parses_to_the_same() {
    for input in expressions::LIST {
        survives_printing(input);
    }
    for input in [
        "gre or igrp or proto 1 or proto 58 or ip proto 58",
        "-(-len) = --1",
        "ip6 proto 6",
        "proto 9 or igrp or proto 112 or vrrp or proto 103 or pim",
    ] {
        assert!(parse(input).is_ok(), "{input}");
        survives_printing(input);
    }
}

/// Printed, an expression has more parentheses than it was written with.
#[test]
fn the_deepest_is_printed_too() {
    for sign in [" - ", " ^ ", " + -"] {
        let mut depth = 0;
        while parse(&format!("{} = 0", ["1"].repeat(depth + 2).join(sign))).is_ok() {
            depth += 1;
            survives_printing(&format!("{} = 0", ["1"].repeat(depth + 1).join(sign)));
        }
        assert!((40..110).contains(&depth), "{depth} of `{sign}`");
    }
    for (open, inner, close) in [
        ("(tcp or ", "udp", ")"),
        ("not (tcp or ", "udp", ")"),
        ("(", "udp", ")"),
        ("not ", "udp", ""),
        ("-(1 + ", "1", ")"),
        ("-", "1", ""),
        ("ip[", "1", "]"),
        ("ip[1 ^ ", "1", "]"),
    ] {
        let nested = |count| match inner {
            "1" => format!("1 = {}1{}", open.repeat(count), close.repeat(count)),
            _ => format!("{}{inner}{}", open.repeat(count), close.repeat(count)),
        };
        let count = (1..300).rfind(|&count| parse(&nested(count)).is_ok());
        let count = count.expect("one is not too deep");
        assert!((30..210).contains(&count), "{count} of `{open}`");
        survives_printing(&nested(count));
    }
}

proptest! {
    #[test]
    fn any_expression_parses_to_the_same_when_printed(input in expressions::any()) {
        survives_printing(&input);
    }

    #[test]
    fn no_text_panics(input in "\\PC{0,60}") {
        if let Ok(expr) = parse(&input) {
            let _ = Program::new(&expr, LinkType::ETHERNET);
        }
    }

    #[test]
    fn no_words_panic(words in proptest::collection::vec(
        proptest::sample::select("( ) not ! and or && || host net port portrange proto src dst tcp ip ip6 arp ether \
            vlan mask multicast 80 443 0x10 192.0.2.1 10 10.0.0.0/8 ::1 [ ] : tcp[ 13] & | ^ % - + / * << == != < len \
            tcpflags less greater 00:00:5e:00:53:01 1-2 \\tcp , icmp6"
            .split_whitespace().collect::<Vec<_>>()), 0..14,
    ), bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let input = words.join(" ");
        survives_printing(&input);
        if let Ok(expr) = parse(&input) {
            for link_type in [0, 1, 101, 113, 147, 228, 229, 276] {
                if let Ok(program) = Program::new(&expr, LinkType(link_type)) {
                    let _ = program.matches(&bytes, 80);
                }
            }
        }
    }
}

/// What a filter says to an Ethernet frame that carries these bytes.
fn takes(expression: &str, ether_type: u16, payload: &[u8]) -> bool {
    let expr = parse(expression).expect("an expression");
    let program = Program::new(&expr, LinkType::ETHERNET).expect("a program");
    let bytes = [&[0; 12][..], &ether_type.to_be_bytes(), payload].concat();
    program.matches(&bytes, 60)
}

#[test]
fn and_and_or_group_from_the_left() {
    // (arp or udp) and port 53: an ARP packet has no port.
    assert!(!takes("arp or udp and port 53", 0x0806, &[0; 28]));
    assert!(takes("arp or (udp and port 53)", 0x0806, &[0; 28]));
    // (not arp) or arp, and (not arp) and ip.
    assert!(takes("not arp or arp", 0x0806, &[0; 28]));
    assert!(!takes("not arp and ip", 0x0806, &[0; 28]));
    assert!(takes("not (arp and ip)", 0x0806, &[0; 28]));
}

#[test]
fn a_look_behind_the_end_leaves_the_packet_out() {
    let cut = [0x45, 0, 0, 40, 0, 0, 0, 0, 64];
    // The protocol is in the tenth byte.
    assert!(takes("ip", 0x0800, &cut));
    for expression in [
        "tcp",
        "not tcp",
        "not (not tcp)",
        "not port 53",
        "tcp or ip",
        "ip[9] >= 0",
        "not ip[9] = 1",
    ] {
        assert!(!takes(expression, 0x0800, &cut), "{expression}");
    }
    // What is decided before the look is decided.
    assert!(takes("ip or tcp", 0x0800, &cut));
    assert!(takes("not (ip6 and tcp)", 0x0800, &cut));
    // So it is with a division by zero.
    assert!(!takes("not 1 / ip[1] = 1", 0x0800, &cut));
    assert!(!takes("not 1 % ip[1] = 1", 0x0800, &cut));
    // An offset that no packet has, even where numbers wrap.
    assert!(!takes("ip[4294967295 - ip[1]] = 0", 0x0800, &cut));
    assert!(!takes("not tcp[0xfffffff0] = 0", 0x0800, &cut));
}

#[test]
fn what_a_link_type_cannot_have_is_an_error() {
    let mut text = String::new();
    for (expression, link_type) in [
        ("tcp and vlan 5", 101),
        ("ip or broadcast", 113),
        ("multicast", 0),
        ("not ether host 00:00:5e:00:53:01", 276),
        ("less 60 or tcp", 147),
        ("tcp[13] = 2", 105),
    ] {
        let expr = parse(expression).expect("an expression");
        let error = Program::new(&expr, LinkType(link_type)).expect_err("an error");
        writeln!(text, "{}\n{error}\n", error.caret(expression)).expect("a string");
    }
    insta::assert_snapshot!(text);
    let expr = parse("less 60 or ether[0] = 1 and len > 4").expect("an expression");
    assert!(Program::new(&expr, LinkType(147)).is_ok());
}
