//! The page holds all numbers, and nothing that is not its own.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use pcaps_file::{Summary, Timestamp, human::count};
use pcaps_report::Report;
use pcaps_sim::traffic::Traffic;
use serde_json::Value;

const HOSTILE: &str =
    "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&lt;\u{1b}[31m\u{202e}.pcap";

/// Some minutes of made-up traffic, with tunnels, both versions of IP, and attacks.
fn traffic(minutes: u64) -> Summary {
    let from = 1_767_225_600_000_000_000;
    let window =
        Timestamp::from_nanos(from)..Timestamp::from_nanos(from + minutes * 60_000_000_000);
    let mut summary = Summary::default();
    for packet in Traffic::synthetic(3).packets(window) {
        summary.add(&packet.as_packet());
    }
    summary
}

fn page(files: &[(&str, &Summary, Option<&str>)]) -> String {
    let mut report = Report::new(TimeZone::UTC);
    for (name, summary, error) in files {
        report.add(name, summary, error.map(str::to_owned));
    }
    report.to_html()
}

/// What stands between the tags of a piece of HTML.
fn text(html: &str) -> String {
    let mut text = String::new();
    for (at, part) in html.split('<').enumerate() {
        let after = part.split_once('>').map_or("", |it| it.1);
        text.push_str(if at == 0 { part } else { after });
    }
    for (escape, character) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&amp;", "&"),
    ] {
        text = text.replace(escape, character);
    }
    text
}

/// The rows of every table, by its caption.
fn tables(page: &str) -> BTreeMap<String, Vec<Vec<String>>> {
    let mut tables = BTreeMap::new();
    for table in page.split("<table>").skip(1) {
        let table = table.split("</table>").next().expect("a part");
        let caption = table.split("</caption>").next().expect("a part");
        let body = table.split("<tbody>").nth(1).expect("a body");
        let rows = body.split("<tr>").skip(1).map(|row| {
            // The row's own end has no cell before it.
            let cells = row.split("</t").filter_map(|cell| {
                let begin = cell.rfind("<td").or(cell.rfind("<th"))?;
                Some(text(&cell[begin..]))
            });
            cells.collect()
        });
        let known = tables.insert(text(caption), rows.collect());
        assert!(known.is_none(), "two tables are called {caption}");
    }
    tables
}

fn number(value: &Value) -> String {
    count(
        value
            .as_u64()
            .unwrap_or_else(|| panic!("{value} is a number")),
    )
}

fn both(value: &Value) -> [String; 2] {
    [number(&value["packets"]), number(&value["bytes_on_wire"])]
}

fn string(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

fn array(value: &Value) -> &[Value] {
    value.as_array().expect("an array")
}

fn time(value: &Value) -> String {
    string(value).replace('T', " ")
}

fn end(value: &Value) -> String {
    let address = string(&value["address"]);
    match value["port"].as_u64() {
        Some(port) if address.contains(':') => format!("[{address}]:{port}"),
        Some(port) => format!("{address}:{port}"),
        None => address,
    }
}

/// What the tables should hold, by the JSON of the summary.
#[expect(
    clippy::too_many_lines,
    reason = "a part for each table, one after the other"
)]
fn expected(json: &Value) -> BTreeMap<String, Vec<Vec<String>>> {
    // Where nothing can have been missed, it is not said of each.
    let missed = |it: &Value, exact: &str| {
        let missed = [&it["packets_missed_at_most"], &it["bytes_missed_at_most"]].map(number);
        if json[exact] == true {
            assert_eq!(missed, ["0", "0"]);
            return Vec::new();
        }
        missed.to_vec()
    };
    let step = |it: &Value| {
        let parts = ["tcp", "udp", "icmp", "other"].map(|part| both(&it[part]));
        [vec![time(&it["time"])], both(it).to_vec(), parts.concat()].concat()
    };
    let mut protocols: Vec<_> = array(&json["protocols"])
        .iter()
        .map(|it| {
            [
                vec![string(&it["name"]), number(&it["number"])],
                both(it).to_vec(),
            ]
            .concat()
        })
        .collect();
    let not_ip = both(&json["not_ip"]).to_vec();
    protocols.push([vec!["no IP header".into(), String::new()], not_ip].concat());
    let talker = |it: &Value| {
        let parts = [both(it), both(&it["sent"]), both(&it["received"])];
        [
            vec![string(&it["address"])],
            parts.concat(),
            missed(it, "talkers_exact"),
        ]
        .concat()
    };
    let port = |it: &Value| {
        let parts = [both(it), both(&it["sent"]), both(&it["received"])];
        let port = it["port"].as_u64().expect("a number").to_string();
        [vec![string(&it["name"]), port], parts.concat()].concat()
    };
    let flow = |it: &Value| {
        let parts = [both(it), both(&it["a"]), both(&it["b"])];
        let ends = vec![string(&it["name"]), end(&it["a"]), end(&it["b"])];
        [ends, parts.concat(), missed(it, "flows_exact")].concat()
    };
    let size = |it: &Value| {
        let from = number(&it["from"]);
        let range = match it["to"].as_u64() {
            Some(to) => format!("{from} to {}", count(to)),
            None => format!("{from} and more"),
        };
        vec![range, number(&it["packets"])]
    };
    let flags = [
        ("SYN, without ACK", "syn"),
        ("SYN and ACK", "syn_ack"),
        ("ACK", "ack"),
        ("PSH", "psh"),
        ("FIN", "fin"),
        ("RST", "rst"),
        ("URG", "urg"),
        ("none", "none"),
    ];
    assert_eq!(
        json["tcp_flags"].as_object().expect("flags").len(),
        flags.len()
    );
    let flags = flags.map(|(name, it)| vec![name.into(), number(&json["tcp_flags"][it])]);
    let mut headers = Vec::new();
    for link in array(&json["link_types"]) {
        layers(link, 0, &mut headers);
        let name = format!("{} (link type {})", string(&link["name"]), link["number"]);
        headers
            .iter_mut()
            .find(|it| it[0] == string(&link["name"]))
            .expect("it")[0] = name;
    }
    let list = |name: &str, row: &dyn Fn(&Value) -> Vec<String>| {
        array(&json[name]).iter().map(row).collect::<Vec<_>>()
    };
    let finding = |it: &Value| {
        let figures = it["figures"].as_object().expect("figures").iter();
        let figures =
            figures.map(|(name, it)| format!("{} {}", name.replace('_', " "), number(it)));
        let headline = string(&it["text"]);
        let headline = headline.split(": ").next().expect("a part").to_owned();
        vec![headline, figures.collect::<Vec<_>>().join(", ")]
    };
    let steps = array(&json["timeline"]["steps"]);
    let seconds = json["timeline"]["step_seconds"].as_f64().expect("a number");
    let exact = |flag: &str| {
        if json[flag] == true {
            "exact"
        } else {
            "estimated"
        }
    };
    let totals = [
        ("Packets", number(&json["packets"])),
        ("Bytes on the wire", number(&json["bytes_on_wire"])),
        ("Bytes captured", number(&json["bytes_captured"])),
        (
            "Shortest packet on the wire, bytes",
            number(&json["smallest_on_wire"]),
        ),
        (
            "Longest packet on the wire, bytes",
            number(&json["largest_on_wire"]),
        ),
        (
            "Longest packet captured, bytes",
            number(&json["largest_captured"]),
        ),
        ("First packet", time(&json["first_time"])),
        ("Last packet", time(&json["last_time"])),
        ("Between them", format!("{} s", json["duration_seconds"])),
        ("Packets in tunnels", number(&json["tunnelled"]["packets"])),
        (
            "Bytes of packets in tunnels",
            number(&json["tunnelled"]["bytes_on_wire"]),
        ),
        (
            "Addresses",
            format!(
                "{} ({})",
                number(&json["talker_count"]),
                exact("talkers_exact")
            ),
        ),
        (
            "Flows",
            format!("{} ({})", number(&json["flow_count"]), exact("flows_exact")),
        ),
        ("Ports", number(&json["port_count"])),
    ];
    let totals = totals.map(|(name, it)| vec![name.to_owned(), it]);
    BTreeMap::from([
        (
            format!("over time, in steps of {seconds} s"),
            steps.iter().map(step).collect(),
        ),
        ("protocols".into(), protocols),
        ("packet sizes".into(), list("sizes", &size)),
        ("tcp flags".into(), flags.to_vec()),
        ("top talkers".into(), list("talkers", &talker)),
        ("ports".into(), list("ports", &port)),
        ("headers".into(), headers),
        ("flows".into(), list("flows", &flow)),
        ("findings".into(), list("findings", &finding)),
        ("totals".into(), totals.to_vec()),
    ])
}

fn layers(layer: &Value, depth: usize, rows: &mut Vec<Vec<String>>) {
    let name = format!("{}{}", "\u{2003}".repeat(depth), string(&layer["name"]));
    rows.push([vec![name], both(layer).to_vec()].concat());
    for inner in array(&layer["layers"]) {
        layers(inner, depth + 1, rows);
    }
}

/// Holds the page to the JSON of what it is about.
fn check_numbers(summary: &Summary) {
    let mut report = Report::new(TimeZone::UTC);
    report.add("a.pcap", summary, None);
    // Of this very sum: what is approximate depends on chance.
    let json = serde_json::to_value(report.total()).expect("JSON");
    let mut found = tables(&report.to_html());
    let mut flows = found.remove("top flows").expect("flows");
    flows.extend(found.remove("more flows").expect("flows"));
    found.insert("flows".into(), flows);
    let rules = found.remove("rules").expect("rules");
    assert_eq!(rules.len(), 6);
    let expected = expected(&json);
    let names = |of: &BTreeMap<String, _>| of.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&found), names(&expected));
    for (name, rows) in &expected {
        assert_eq!(&found[name], rows, "{name}");
    }
}

#[test]
fn it_holds_the_numbers_of_the_summary() {
    let summary = traffic(5);
    assert!(summary.findings().len() > 5 && summary.flows_exact());
    check_numbers(&summary);
}

/// More flows and addresses than are counted exactly.
#[test]
fn it_says_what_may_have_been_missed() {
    let mut summary = traffic(1);
    for number in 0..50_000_u32 {
        let mut bytes = [0x45; 40];
        bytes[9] = 17;
        bytes[12..16].copy_from_slice(&(0x0a00_0000 + number).to_be_bytes());
        bytes[16..20].copy_from_slice(&[203, 0, 113, 9]);
        summary.add(&pcaps_file::Packet {
            timestamp: Timestamp::from_parts(1_767_225_600 + number / 10_000, 0),
            link_type: pcaps_file::LinkType::RAW,
            original_len: 1_000,
            bytes: &bytes,
        });
    }
    assert!(!summary.flows_exact() && !summary.talkers_exact());
    check_numbers(&summary);
}

/// Every field of the JSON is one that this file looks at: a new one belongs on the page.
#[test]
fn no_field_is_forgotten() {
    let json = serde_json::to_value(traffic(1)).expect("JSON");
    let source = include_str!("page.rs");
    let fields = json.as_object().expect("an object").keys();
    // How many there are is not said, the findings are.
    for field in fields.filter(|it| !it.starts_with("finding_count")) {
        assert!(
            source.contains(&format!("\"{field}\"")),
            "{field} is not on the page"
        );
    }
}

/// What is open is closed, in its order.
fn check_form(page: &str) {
    const VOID: [&str; 2] = ["meta", "link"];
    let mut open: Vec<&str> = Vec::new();
    let without_style: Vec<&str> = page.split("<style>").collect();
    let [before, after] = without_style[..] else {
        panic!("one style");
    };
    let after = after.split_once("</style>").expect("its end").1;
    for tag in [before, after].iter().flat_map(|it| it.split('<').skip(1)) {
        let (tag, _) = tag.split_once('>').expect("an end");
        let name = tag.split([' ', '\n']).next().expect("a name");
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if name == "!DOCTYPE" || VOID.contains(&name) || tag.ends_with('/') => {}
            None => open.push(name),
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
    }
    assert_eq!(open, Vec::<&str>::new());
}

#[test]
fn whatever_is_shown_is_text() {
    let summary = traffic(1);
    let page = page(&[
        (HOSTILE, &summary, Some(HOSTILE)),
        ("b.pcap", &Summary::default(), None),
    ]);
    check_form(&page);
    for tag in ["<script", "<img", "onerror=\"", "\u{1b}"] {
        assert!(!page.contains(tag), "{tag}");
    }
    // In the list of what is torn, and in that of files.
    assert!(page.matches("&lt;script&gt;").count() >= 3, "{page}");
    assert!(page.contains("&amp;lt;"));
    check_form(&self::page(&[(HOSTILE, &summary, None)]));
}

#[test]
fn it_asks_for_nothing() {
    let page = page(&[("a.pcap", &traffic(5), None)]);
    check_form(&page);
    // What names a place: nothing but the name of SVG, and an icon that is empty.
    let without = page
        .replace("xmlns=\"http://www.w3.org/2000/svg\"", "")
        .replace("href=\"data:,\"", "");
    for way in [
        "http:",
        "https:",
        "//",
        "href=",
        "src=",
        "url(",
        "@import",
        "<script",
        "javascript:",
        " on",
    ] {
        let found = without
            .find(way)
            .map(|at| &without[at.saturating_sub(40)..][..80]);
        // Words may begin so.
        let is_word = way == " on"
            && !without.split('<').skip(1).any(|tag| {
                let tag = tag.split('>').next().unwrap_or_default();
                tag.split_whitespace()
                    .any(|it| it.starts_with("on") && it.contains('='))
            });
        assert!(found.is_none() || is_word, "{way}: {found:?}");
    }
    assert!(page.contains("default-src 'none'"));
    // Of every chart there are words, and no id is there twice.
    let pictures = page.matches("role=\"img\"").count();
    assert_eq!(pictures, 11);
    assert_eq!(page.matches("<desc ").count(), pictures);
    let ids: Vec<&str> = page
        .split(" id=\"")
        .skip(1)
        .filter_map(|it| it.split('"').next())
        .collect();
    assert_eq!(
        ids.iter().collect::<BTreeSet<_>>().len(),
        ids.len(),
        "{ids:?}"
    );
}

#[test]
fn what_there_is_little_of_has_a_page() {
    let empty = page(&[("empty.pcap", &Summary::default(), None)]);
    check_form(&empty);
    assert!(empty.contains("There are no packets in it."));
    assert!(empty.contains("Too little to tell"));
    // That nothing is found means less where not all was read.
    let mut ordinary = Summary::default();
    for _ in 0..60 {
        ordinary.add(&pcaps_file::Packet {
            timestamp: Timestamp::from_nanos(0),
            link_type: pcaps_file::LinkType::RAW,
            original_len: 60,
            bytes: &[0x45; 60],
        });
    }
    let whole = page(&[("a.pcap", &ordinary, None)]);
    assert!(whole.contains("None of the rules below applies"));
    assert!(whole.contains("class=\"finding none\""));
    let torn = page(&[("a.pcap", &ordinary, Some("torn"))]);
    assert!(torn.contains("None of the rules applies to what could be read"));
    assert!(!torn.contains("class=\"finding none\""));
    let mut one = Summary::default();
    one.add(&pcaps_file::Packet {
        timestamp: Timestamp::from_nanos(u64::MAX),
        link_type: pcaps_file::LinkType(147),
        original_len: 60,
        bytes: &[],
    });
    let one = page(&[("one.pcap", &one, None)]);
    check_form(&one);
    assert!(one.contains("no IP header"));
    let mut ends = Summary::default();
    for nanos in [0, u64::MAX] {
        ends.add(&pcaps_file::Packet {
            timestamp: Timestamp::from_nanos(nanos),
            link_type: pcaps_file::LinkType::RAW,
            original_len: u32::MAX,
            bytes: &[0x45; 40],
        });
    }
    check_form(&page(&[("ends.pcap", &ends, None)]));
}

#[test]
fn many_files_are_a_list() {
    let summary = traffic(1);
    let files: Vec<String> = (0..30).map(|it| format!("{it:03}.pcap")).collect();
    let files: Vec<_> = files
        .iter()
        .map(|it| (it.as_str(), &summary, Some("is cut short")))
        .collect();
    let page = page(&files);
    check_form(&page);
    assert!(page.contains("<h1><bdi>30 capture files</bdi></h1>"));
    assert_eq!(tables(&page)["files"].len(), 30);
    assert!(page.contains("and 20 more: see the list of files"));
}
