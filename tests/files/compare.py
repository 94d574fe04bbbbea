#!/usr/bin/env python3
"""Compares `pcaps stats --json` with `capinfos`, and with `tshark -z`, over real capture files.

compare.py PCAPS FILE-OR-FOLDER...

Of every file that capinfos reads: packets, bytes on the wire, first and last time. Of every file for which both mean
the same (see `comparable`): the tree of headers, addresses, flows of UDP and TCP, and sizes. And nothing may look like an attack
in them but what is one, or a false alarm that is known (`FINDINGS`).
Prints each difference, and how much was compared; exits with 1 if anything differs.
"""

import calendar
import json
import re
import struct
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

# How many files are compared with tshark, which is slow: those with most packets.
MOST = 60

# What differs in which file, and why that is right.
EXPECTED = {
    ("smb_data_print-segv.pcapng", "first_time"): "a time after 2554 becomes the last that there is",
    ("smb_data_print-segv.pcapng", "last_time"): "a time after 2554 becomes the last that there is",
    ("bgp_vpn_rt-oobr.pcap", "first_time"): "capinfos forgets a time of zero, and all before it",
    ("bgp_vpn_rt-oobr.pcap", "last_time"): "capinfos forgets a time of zero, and all before it",
    ("atm-heapoverflow.pcap", "bytes_on_wire"): "Wireshark does not count the 4 bytes of SunATM's header",
    ("atm-oam-heapoverflow.pcap", "bytes_on_wire"): "Wireshark does not count the 4 bytes of SunATM's header",
    ("PIM-SM_join_prune.pcap", "headers eth/ip/pim"): "version 1 of PIM is in IGMP",
    ("of13_ericsson.pcapng", "addresses IPv4"): "Wireshark looks into packets that OpenFlow carries",
    ("of13_ericsson.pcapng", "flows UDP"): "Wireshark looks into packets that OpenFlow carries",
    ("OSPFv3_with_AH.pcap", "headers eth/ipv6/ospf"): "an authentication header is the protocol here",
}

# What looks like an attack in which file; in all others nothing does.
FINDINGS = {
    # One address, and each of its ports.
    "synscan.pcap": ["port_scan"],
    # A stream over UDP, which is a false alarm that the rule has.
    "pps.pcap": ["one_source"],
}


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL)


def is_capture(path):
    with open(path, "rb") as file:
        magic = file.read(4)
    return magic in {bytes.fromhex(it) for it in ("d4c3b2a1 a1b2c3d4 4d3cb2a1 a1b23c4d 34cdb2a1 a1b2cd34 0a0d0d0a").split()}


def seconds(text):
    """Of a time in RFC 3339."""
    if text is None:
        return None
    whole, _, digits = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + Decimal("0." + (digits or "0"))


def oddities(path):
    """Of a classic pcap file: whether a record has a million microseconds or more, and the bytes by which records are
    longer in the file than they claim to have been on the wire."""
    with open(path, "rb") as file:
        bytes_ = file.read()
    order = "<" if bytes_[:4].hex() in ("d4c3b2a1", "4d3cb2a1", "34cdb2a1") else ">"
    if bytes_[:4].hex() not in ("d4c3b2a1", "a1b2c3d4"):
        return False, 0
    at, impossible, raised = 24, False, 0
    while at + 16 <= len(bytes_):
        _, micros, captured, original = struct.unpack_from(f"{order}4I", bytes_, at)
        if at + 16 + captured > len(bytes_):
            break
        impossible |= micros >= 1_000_000
        raised += max(0, captured - original)
        at += 16 + captured
    return impossible, raised


def capinfos(paths):
    """Packets, bytes, first and last time by path, of those that it can read to their end."""
    found = {}
    done = run("capinfos", "-T", "-r", "-B", "-S", "-c", "-d", "-a", "-e", *paths)
    for line in done.stdout.splitlines():
        path, packets, octets, first, last = line.split("\t")
        # capinfos does not carry such microseconds over, and lets them overflow; the reader raises such lengths.
        impossible, raised = oddities(path)
        moment = (lambda _: None) if impossible else (lambda it: None if it == "n/a" else Decimal(it))
        found[path] = {
            "packets": int(packets),
            "bytes_on_wire": int(octets) + raised,
            "first_time": moment(first),
            "last_time": moment(last),
        }
    return {path: it for path, it in found.items() if f'"{path}"' not in done.stderr}


def compare_with_capinfos(files, differ):
    theirs = capinfos(list(files))
    for path, expected in theirs.items():
        ours = files[path]
        for field, value in expected.items():
            found = ours[field]
            if field.endswith("time"):
                found = seconds(found)
            if value is not None and found != value:
                differ(path, field, found, value)
        if ours["error"]:
            differ(path, "error", ours["error"]["message"], None)
    return len(theirs)


# What Wireshark calls the headers that we know; anything else ends the comparison of a branch.
NAMES = {
    "eth": "Ethernet", "sll": "Linux cooked", "null": "BSD loopback", "raw": "raw IP", "ip": "IPv4", "ipv6": "IPv6", "tcp": "TCP",
    "udp": "UDP", "icmp": "ICMP", "icmpv6": "ICMPv6", "igmp": "IGMP", "arp": "ARP", "vlan": "VLAN", "gre": "GRE",
    "sctp": "SCTP", "ospf": "OSPFIGP", "esp": "ESP", "llc": "LLC", "pim": "PIM", "vrrp": "VRRP", "eigrp": "EIGRP",
    "lldp": "LLDP", "rsvp": "RSVP",
}


WIRESHARKS = {ours: theirs for theirs, ours in NAMES.items()}


def statistics(path):
    """The lines of each table, by the table's title."""
    taps = ["io,phs", "endpoints,ip", "endpoints,ipv6", "conv,udp", "conv,tcp", "plen,tree"]
    text = run("tshark", "-n", "-r", path, "-q", *(it for tap in taps for it in ("-z", tap))).stdout
    tables = re.split(r"^===+\n", text, flags=re.M)
    return {lines[0]: lines[1:] for table in tables if (lines := table.strip("\n").splitlines())}


def hierarchy(lines):
    """Packets and bytes by headers, in Wireshark's names: `eth/ip/udp`."""
    stack, found = [], {}
    for line in lines:
        match = re.match(r"( *)([\w.-]+) +frames:(\d+) bytes:(\d+)", line)
        if match:
            depth = len(match[1]) // 2
            stack[depth:] = [match[2]]
            found["/".join(stack)] = (int(match[3]), int(match[4]))
    return found


def our_hierarchy(layers, prefix=""):
    for layer in layers:
        name = WIRESHARKS.get(re.sub("^(Linux cooked|VLAN) .*", r"\1", layer["name"]), layer["name"])
        path = f"{prefix}{name}"
        yield path, (layer["packets"], layer["bytes_on_wire"])
        yield from our_hierarchy(layer["layers"], path + "/")


def number(text):
    return int(text.replace(",", ""))


def conversations(lines):
    """Packets by both ends."""
    found = {}
    for line in lines:
        if "<->" in line:
            a, _, b, *rest = line.split()
            # Bytes have a unit behind them: `64 bytes`, `1 kB`. Of three pairs the third is the total.
            numbers = [number(it) for it in rest if re.fullmatch(r"[\d,]+", it)]
            found[frozenset([a, b])] = numbers[4]
    return found


def our_conversations(ours, protocol):
    def end(it):
        return f"{it['address']}:{it['port']}"

    return {
        frozenset([end(flow["a"]), end(flow["b"])]): flow["packets"]
        for flow in ours["flows"]
        if flow["protocol"] == protocol and flow["a"]["port"] is not None
    }


def endpoints(lines):
    """Packets and bytes by address."""
    found = {}
    for line in lines:
        if re.match(r"[\da-f]*[.:][\da-f.:]* ", line):
            address, packets, octets, *_ = line.split()
            found[address] = (number(packets), number(octets))
    return found


def sizes(lines):
    text = "\n".join(lines)
    rows = re.findall(r"^ (\d+)-(\d+|\S*)? +(\d+) ", text, re.M) + re.findall(r"^ (\d+) and greater() +(\d+) ", text, re.M)
    return {int(start): int(packets) for start, _, packets in rows}


def comparable(phs):
    """Whether Wireshark's figures mean what ours do.

    Wireshark puts fragments together and counts what they make with the last one, it counts an address for each IP
    header of a packet and also those that an ICMP error quotes, it looks behind authentication and extension headers,
    and it follows protocols that we do not. Ours are of the headers of each packet, the innermost IP header's.
    """
    odd = {
        "ah", "ipv6.fraghdr", "ipv6.hopopts", "ipv6.dstopts", "ipv6.routing", "mpls", "ppp", "pppoes", "l2tp", "vxlan", "geneve",
        "teredo", "udplite", "_ws.malformed", "_ws.short", "_ws.unreassembled",
    }
    names = {name for headers in phs for name in headers.split("/")}
    nested = any(headers.split("/").count("ip") > 1 for headers in phs)
    return bool(phs) and not odd & names and not nested


def may_be_compared(ours):
    """Whether all of it is there and listed."""
    whole = ours["bytes_captured"] == ours["bytes_on_wire"]
    few = all(ours[f"{what}_count"] <= 100 for what in ("flow", "talker"))
    known = any(it["layers"] for it in ours["link_types"])
    return not ours["error"] and whole and few and known and not ours["tunnelled"]["packets"]


def compare_with_tshark(files, differ):
    compared = 0
    candidates = [path for path, ours in files.items() if may_be_compared(ours)]
    candidates.sort(key=lambda path: -files[path]["packets"])
    for path in candidates[:MOST]:
        ours, theirs = files[path], statistics(path)
        phs = hierarchy(theirs["Protocol Hierarchy Statistics"])
        if not comparable(phs):
            continue
        compared += 1
        tree = dict(our_hierarchy(ours["link_types"]))
        for headers, expected in phs.items():
            if all(name in NAMES for name in headers.split("/")) and tree.get(headers) != expected:
                differ(path, f"headers {headers}", tree.get(headers), expected)
        for kind, version in (("IPv4", "."), ("IPv6", ":")):
            found = {
                it["address"]: (it["packets"], it["bytes_on_wire"])
                for it in ours["talkers"]
                if version in it["address"]
            }
            if found != (expected := endpoints(theirs[f"{kind} Endpoints"])):
                differ(path, f"addresses {kind}", found, expected)
        for kind, protocol in (("UDP", 17), ("TCP", 6)):
            found = our_conversations(ours, protocol)
            expected = conversations(theirs[f"{kind} Conversations"])
            if found != expected:
                differ(path, f"flows {kind}", found, expected)
        if (expected := sizes(theirs["Packet Lengths:"])) != (found := {it["from"]: it["packets"] for it in ours["sizes"]}):
            differ(path, "sizes", found, expected)
    return compared


def look_at_findings(files, differ):
    for path, ours in files.items():
        found = [it["kind"] for it in ours["findings"]]
        if found != (expected := FINDINGS.get(Path(path).name, [])):
            differ(path, "findings", [it["text"] for it in ours["findings"]], expected)


def main(pcaps, *places):
    paths = []
    for place in map(Path, places):
        inside = sorted(it for it in place.rglob("*") if it.is_file()) if place.is_dir() else [place]
        paths += [str(it) for it in inside if is_capture(it)]
    document = json.loads(run(pcaps, "stats", "--json", *paths).stdout)
    files = {it["file"]: it for it in document["files"]}
    assert list(files) == paths, "a file is missing from the document"
    differences = []

    def differ(path, what, found, expected):
        name = Path(path).name
        if (name, what) in EXPECTED:
            return
        differences.append(name)
        print(f"{name}: {what}: ours {found}, theirs {expected}")

    look_at_findings(files, differ)
    with_capinfos = compare_with_capinfos(files, differ)
    with_tshark = compare_with_tshark(files, differ)
    print(f"{len(files)} files: {with_capinfos} compared with capinfos, {with_tshark} with tshark, {len(differences)} differences")
    sys.exit(1 if differences else 0)


main(*sys.argv[1:])
