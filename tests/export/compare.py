#!/usr/bin/env python3
"""Compares what `pcaps export` makes of real capture files with `tshark -T fields`, row by row and column by column.

compare.py PCAPS FILE-OR-FOLDER...

The table is read by DuckDB. Prints the first differences of each column, and how much was compared; exits with 1 if anything
differs, or if it was less than 20 files and 50,000 packets.
"""

import collections
import json
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

# How many packets are compared, and how many files: tshark is slow. The largest files come first, and then every so many of the
# others, which are odder.
MOST_PACKETS, MOST_OF_A_FILE, LARGE, SMALL = 100_000, 15_000, 25, 60
LEAST_FILES, LEAST_PACKETS = 20, 50_000

# What differs in which file, and why that is right.
EXCEPT = {
    ("fuzz-2006-09-29-28586.pcap", "payload_len"): "an IP header claims more than the frame has, and tshark takes the frame",
}

FIELDS = """
frame.number frame.time_epoch frame.cap_len frame.len frame.protocols vlan.id ieee8021ad.id _ws.malformed
ip.version ip.src ip.dst ip.proto ip.ttl ip.dsfield.dscp ip.id ip.frag_offset ip.flags.mf ip.len ip.hdr_len
ipv6.version ipv6.src ipv6.dst ipv6.hlim ipv6.tclass.dscp ipv6.plen ipv6.nxt
ipv6.fraghdr.ident ipv6.fraghdr.offset ipv6.fraghdr.more
tcp.srcport tcp.dstport tcp.hdr_len tcp.flags tcp.seq_raw tcp.window_size_value tcp.len udp.srcport udp.dstport udp.length
sctp.srcport sctp.dstport icmp.type icmp.code icmpv6.type icmpv6.code dns.qry.name dns.qry.type
""".split()

# Nothing is put together of several packets, and numbers are as they were sent.
OPTIONS = """
ip.defragment:FALSE ipv6.defragment:FALSE tcp.desegment_tcp_streams:FALSE tcp.analyze_sequence_numbers:FALSE
ip.tso_support:FALSE tcp.check_checksum:FALSE udp.check_checksum:FALSE vlan.qinq_ethertype:0x9100 ip.decode_tos_as_diffserv:TRUE
""".split()

LINK = {"eth", "ethertype", "vlan", "ieee8021ad", "sll", "raw", "null", "ip", "ipv6", "gre"}
EXTENSIONS = {"ipv6.hopopts", "ipv6.routing", "ipv6.dstopts", "ipv6.fraghdr"}


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL)


def is_capture(path):
    with open(path, "rb") as file:
        magic = file.read(4)
    return magic in {bytes.fromhex(it) for it in ("d4c3b2a1 a1b2c3d4 4d3cb2a1 a1b23c4d 34cdb2a1 a1b2cd34 0a0d0d0a").split()}


def dissected(path):
    """What tshark says of each packet: its fields, each with all its occurrences."""
    command = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=\x1f"]
    command += [it for option in OPTIONS for it in ("-o", option)] + [it for field in FIELDS for it in ("-e", field)]
    for line in run(*command).stdout.split("\n"):
        values = line.split("\t")
        if len(values) == len(FIELDS):
            yield {field: value.split("\x1f") if value else [] for field, value in zip(FIELDS, values)}


def number(text):
    if text is None:
        return None
    if text in ("True", "1"):
        return 1
    if text in ("False", "0"):
        return 0
    return int(text, 0)


class Packet:
    """A packet of tshark's: the innermost IP header that we look for, and what is above it."""

    def __init__(self, fields):
        self.fields = fields
        self.headers = []
        self.below = []
        self.above = None
        protocols = fields["frame.protocols"][0].split(":") if fields["frame.protocols"] else []
        counts = collections.Counter()
        for name in protocols:
            if name in ("ip", "ipv6"):
                # IPv6 has its version in both fields.
                if name == "ip" and "4" not in fields["ip.version"]:
                    # What announces itself as something else is none.
                    break
                self.headers.append((name, counts[name]))
                counts[name] += 1
            elif name not in LINK and name not in EXTENSIONS:
                self.above = name
                break
            self.below.append(name)
        self.tunnels = max(0, len(self.headers) - 1)
        self.rest = protocols[protocols.index(self.above) + 1 :] if self.above else []

    def at(self, header, field, sixth=None):
        """A field of an IP header, by its name in either version."""
        name, place = header
        values = self.fields[f"ip.{field}"] if name == "ip" else self.fields[f"ipv6.{sixth or field}"]
        return values[place] if place < len(values) else None

    def inner(self, field, sixth=None):
        return self.at(self.headers[-1], field, sixth) if self.headers else None

    def first(self, field):
        """The first value of a field above IP."""
        values = self.fields[field]
        return values[0] if values else None

    def of_tcp(self, field):
        """A field of TCP's header; nothing is known of one whose length is none."""
        if self.above != "tcp":
            return None
        return ... if (number(self.first("tcp.hdr_len")) or 0) < 20 else number(self.first(field))


def of_ports(which):
    def value(it):
        if it.above in ("tcp", "udp", "sctp"):
            return number(it.first(f"{it.above}.{which}port"))
        return None

    return value


def is_plain(it):
    """Whether a header is not that of a fragment, nor behind extension headers."""
    if not it.headers:
        return False
    if it.headers[-1][0] == "ip":
        return number(it.inner("frag_offset") or "0") == 0 and number(it.inner("flags.mf") or "0") == 0
    return not it.fields["ipv6.fraghdr.ident"] and it.inner("x", "nxt") not in ("0", "43", "44", "60", "51")


def fragment(field, sixth):
    def value(it):
        if not it.headers or it.headers[-1][0] != "ip":
            return ...
        offset, more = number(it.inner("frag_offset")), number(it.inner("flags.mf"))
        return number(it.inner(field)) if offset or more else None

    return value


def payload(it):
    if it.fields["_ws.malformed"] or not is_plain(it):
        return ...
    if it.headers[-1][0] == "ip":
        total, header = number(it.inner("len")), number(it.inner("hdr_len"))
        if total is None or header is None:
            return ...
        length = total - header if total >= header >= 20 else None
    else:
        length = number(it.inner("x", "plen")) or None
    if length is None:
        return None
    if it.above == "tcp":
        # It knows how much of the header there is only if all of it was captured.
        return number(it.first("tcp.len")) if it.fields["tcp.len"] else ...
    if it.above == "udp":
        return length - 8 if length >= 8 else None
    if it.inner("proto", "nxt") in ("6", "17"):
        return ...
    return length


def dns(field):
    def value(it):
        ports = {of_ports("src")(it), of_ports("dst")(it)}
        if it.above != "udp" or not ports & {53, 5353} or it.fields["_ws.malformed"]:
            return ...
        if not it.rest or it.rest[0] not in ("dns", "mdns"):
            return ...
        return it.first(field)

    return value


def name(it):
    value = dns("dns.qry.name")(it)
    if value in (None, ...):
        return value
    # What is not printable is told in other ways.
    return "." if value == "<Root>" else value if re.fullmatch(r"[!-\[\]-~]+", value) else ...


def addresses(field, sixth):
    return lambda it: it.inner(field, sixth)


def outer(field, sixth):
    return lambda it: it.at(it.headers[0], field, sixth) if it.tunnels else None


def vlan(it):
    tags = [name for name in it.below if name in ("ieee8021ad", "vlan")]
    return number(it.first(f"{tags[0]}.id")) if tags else None


def protocol(it):
    # Behind extension headers, tshark has it in as many fields as there are headers.
    if it.headers and it.headers[-1][0] == "ipv6" and not is_plain(it):
        return ...
    return number(it.inner("proto", "nxt"))


def icmp(field):
    def value(it):
        return number(it.first(f"{it.above}.{field}")) if it.above in ("icmp", "icmpv6") else None

    return value


def has_odd_times(path):
    """Whether a record of a classic file has a million microseconds or more: tshark does not carry them over."""
    with open(path, "rb") as file:
        bytes_ = file.read()
    order = "<" if bytes_[:4].hex() in ("d4c3b2a1", "4d3cb2a1", "34cdb2a1") else ">"
    at, most = 24, 10**9 if b"\x3c" in bytes_[1:3] else 10**6
    while bytes_[:4].hex() != "0a0d0d0a" and at + 16 <= len(bytes_):
        _, fraction, captured, _ = struct.unpack_from(f"{order}4I", bytes_, at)
        if fraction >= most:
            return True
        at += 16 + captured
    return False


def time(it):
    seconds, _, digits = it.fields["frame.time_epoch"][0].partition(".")
    return int(seconds) * 10**9 + int(digits.ljust(9, "0"))


EXPECTED = {
    "time": time,
    "captured_len": lambda it: number(it.fields["frame.cap_len"][0]),
    "original_len": lambda it: number(it.fields["frame.len"][0]),
    "vlan_id": vlan,
    "ip_version": lambda it: {"ip": 4, "ipv6": 6}[it.headers[-1][0]] if it.headers else None,
    "src_addr": addresses("src", "src"),
    "dst_addr": addresses("dst", "dst"),
    "protocol": protocol,
    "src_port": of_ports("src"),
    "dst_port": of_ports("dst"),
    "ttl": lambda it: number(it.inner("ttl", "hlim")),
    "dscp": lambda it: number(it.inner("dsfield.dscp", "tclass.dscp")),
    "fragment_id": fragment("id", "x"),
    # In eights of bytes.
    "fragment_offset": lambda it: offset if (offset := fragment("frag_offset", "x")(it)) in (None, ...) else 8 * offset,
    "more_fragments": fragment("flags.mf", "x"),
    "tcp_flags": lambda it: it.of_tcp("tcp.flags") if it.of_tcp("tcp.flags") in (None, ...) else it.of_tcp("tcp.flags") & 0xFF,
    "tcp_seq": lambda it: it.of_tcp("tcp.seq_raw"),
    "tcp_window": lambda it: it.of_tcp("tcp.window_size_value"),
    "icmp_type": icmp("type"),
    "icmp_code": icmp("code"),
    "dns_query_name": name,
    "dns_query_type": lambda it: (lambda value: value if value is ... else number(value))(dns("dns.qry.type")(it)),
    "payload_len": payload,
    "tunnels": lambda it: it.tunnels if it.headers else None,
    "outer_src_addr": outer("src", "src"),
    "outer_dst_addr": outer("dst", "dst"),
    "outer_protocol": lambda it: number(outer("proto", "nxt")(it)),
}


def comparable(it):
    """Whether tshark has looked at the packet as it is: what is malformed to it, it may take apart in other ways."""
    return not it.fields["_ws.malformed"]


def main(pcaps, *places):
    paths = []
    for place in map(Path, places):
        inside = sorted(it for it in place.rglob("*") if it.is_file()) if place.is_dir() else [place]
        paths += [str(it.resolve()) for it in inside if is_capture(it)]
    table = tempfile.TemporaryDirectory()
    done = run(pcaps, "export", "--json", "--lenient", "-q", "-o", table.name, *paths)
    document = json.loads(done.stdout)
    assert [it["name"] for it in document["inputs"]] == sorted(set(paths)), "a file is missing from the document"
    database = duckdb.connect()
    database.sql("SET TimeZone = 'UTC'")
    rows = f"read_parquet('{table.name}/*/*/*/*.parquet', hive_partitioning = true)"
    total = database.sql(f"SELECT count(*) FROM {rows}").fetchall()[0][0]
    assert total == document["rows"], f"{total} rows, and {document['rows']} were reported"
    columns = [it for it in EXPECTED if it != "time"]
    sizes = sorted((it["rows"], it["name"]) for it in document["inputs"] if 0 < it["rows"] <= MOST_OF_A_FILE)
    large, others = sizes[::-1][:LARGE], sizes[:-LARGE]
    # And those that have what few have.
    rare = [
        it
        for column in columns
        for it in database.sql(
            f"SELECT count(*), file FROM {rows} WHERE {column} IS NOT NULL AND {column}::VARCHAR <> '0' "
            f"GROUP BY file HAVING count(*) < {MOST_OF_A_FILE} ORDER BY 1 DESC, 2 LIMIT 3"
        ).fetchall()
    ]
    of = dict((path, size) for size, path in sizes)
    rare = [(of[path], path) for _, path in rare if path in of]
    chosen, packets = [], 0
    for size, path in rare + large + others[:: max(1, len(others) // SMALL)]:
        if path not in chosen and packets + size <= MOST_PACKETS:
            chosen.append(path)
            packets += size
    differences, compared, files, cells = collections.defaultdict(list), 0, 0, collections.Counter()
    for path in chosen:
        wanted = f"SELECT epoch_us(ts) * 1000 + ts_ns AS time, {', '.join(columns)} FROM {rows} WHERE file = ? ORDER BY frame_number"
        ours = database.execute(wanted, [path]).fetchall()
        theirs = [Packet(it) for it in dissected(path)]
        if len(theirs) != len(ours):
            # What is torn, it reads otherwise; what it cannot read at all, not.
            continue
        files += 1
        odd = has_odd_times(path)
        for frame, (row, packet) in enumerate(zip(ours, theirs), 1):
            if not comparable(packet):
                continue
            compared += 1
            for column, found in zip(EXPECTED, row):
                expected = EXPECTED[column](packet)
                if expected is ... or column == "time" and odd or (Path(path).name, column) in EXCEPT:
                    continue
                cells[column] += expected is not None
                if found != expected:
                    differences[column].append(f"{Path(path).name}, frame {frame}: ours {found!r}, theirs {expected!r} {packet.fields['frame.protocols']}")
    for column, lines in differences.items():
        print(f"{column}: {len(lines)} differences")
        for line in lines[:8]:
            print(f"  {line}")
    unseen = [column for column in EXPECTED if cells[column] == 0]
    print(f"{files} files, {compared} packets, {sum(map(len, differences.values()))} differences")
    print("values compared: " + ", ".join(f"{column} {count}" for column, count in sorted(cells.items())))
    if unseen:
        print(f"no value of {', '.join(unseen)} was compared")
    sys.exit(1 if differences or unseen or files < LEAST_FILES or compared < LEAST_PACKETS else 0)


main(*sys.argv[1:])
