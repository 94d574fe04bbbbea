"""Writes a small capture with what the simulator's traffic has none of: segments that are sent again, keep-alives, fragments and
messages that a packet is too big. `EXPECTED` is what must be found of it."""

import ipaddress
import struct
import sys

FIN, SYN, RST, ACK = 1, 2, 4, 16

CLIENT, SERVER = "192.0.2.10", "203.0.113.200"
CLIENT6, SERVER6 = "2001:db8:1::10", "2001:db8:203::200"
ROUTER, ROUTER6 = "192.0.2.1", "2001:db8:ffff::1"

EXPECTED = {
    "retransmits": [
        # Two segments of 100 bytes once more each, and one of 50 bytes two times more.
        {"src_addr": CLIENT, "src_port": 40000, "dst_addr": SERVER, "dst_port": 443,
         "segments": 8, "repeated": 4, "repeated_syns": 0, "repeated_bytes": 300},
        # A SYN that nobody answers, three times more.
        {"src_addr": CLIENT6, "src_port": 40001, "dst_addr": SERVER6, "dst_port": 443,
         "segments": 4, "repeated": 3, "repeated_syns": 3, "repeated_bytes": 0},
    ],
    "mtu": [
        {"src_addr": ROUTER6, "dst_addr": SERVER6, "packets": 4, "largest": 88, "fragments": 0, "too_big": 4},
        {"src_addr": CLIENT, "dst_addr": SERVER, "packets": 16, "largest": 1500, "fragments": 3, "too_big": 0},
        {"src_addr": SERVER, "dst_addr": CLIENT, "packets": 3, "largest": 1500, "fragments": 3, "too_big": 0},
        {"src_addr": CLIENT6, "dst_addr": SERVER6, "packets": 6, "largest": 1280, "fragments": 2, "too_big": 0},
        {"src_addr": ROUTER, "dst_addr": SERVER, "packets": 1, "largest": 56, "fragments": 0, "too_big": 1},
    ],
}


def ip(source, target, protocol, payload, identification=0, fragment=0):
    """A packet of IPv4 or IPv6, without checksums: nobody here looks at them. `fragment` is flags and offset, as in IPv4."""
    source, target = ipaddress.ip_address(source), ipaddress.ip_address(target)
    if source.version == 4:
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), identification, fragment, 64, protocol, 0)
    else:
        if fragment or identification:
            more = (fragment >> 13) & 1
            payload = struct.pack("!BBHI", protocol, 0, (fragment & 0x1FFF) << 3 | more, identification) + payload
            protocol = 44
        head = struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64)
    return head + source.packed + target.packed + payload


def tcp(source, target, port, sequence, flags, length):
    head = struct.pack("!HHIIBBHHH", port, 443, sequence, 1, 5 << 4, flags, 65535, 0, 0)
    return ip(source, target, 6, head + b"x" * length)


def packets():
    for sequence, length, times in ((1000, 100, 2), (1100, 100, 2), (1200, 50, 3), (1250, 100, 1)):
        for _ in range(times):
            yield tcp(CLIENT, SERVER, 40000, sequence, ACK, length)
    # Keep-alives: nothing, or a byte that was sent before.
    for length in (0, 0, 1, 1, 1):
        yield tcp(CLIENT, SERVER, 40000, 1349, ACK, length)
    for _ in range(4):
        yield tcp(CLIENT6, SERVER6, 40001, 7, SYN, 0)
    udp = struct.pack("!HHHH", 5000, 5001, 8 + 3000, 0) + b"x" * 3000
    for at in range(0, len(udp), 1480):
        more = 0x2000 if at + 1480 < len(udp) else 0
        yield ip(CLIENT, SERVER, 17, udp[at : at + 1480], 77, more | at // 8)
    for at in range(0, 2000, 1232):
        more = 0x2000 if at + 1232 < 2000 else 0
        yield ip(CLIENT6, SERVER6, 17, udp[at : min(at + 1232, 2000)], 78, more | at // 8)
    # Later fragments of TCP alone, as floods have them: of which segment they are, nobody can tell.
    for number in range(3):
        yield ip(SERVER, CLIENT, 6, b"x" * 1480, 90 + number, 185)
    too_big = struct.pack("!BBHHH", 3, 4, 0, 0, 1400) + ip(SERVER, CLIENT, 17, b"x" * 8)
    yield ip(ROUTER, SERVER, 1, too_big)
    for _ in range(4):
        yield ip(ROUTER6, SERVER6, 58, struct.pack("!BBHI", 2, 0, 0, 1280) + ip(SERVER6, CLIENT6, 17, b"x" * 0))


def main():
    with open(sys.argv[1], "wb") as file:
        # Raw IP, microseconds.
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        for number, packet in enumerate(packets()):
            file.write(struct.pack("<IIII", 1767225600 + number, 250000, len(packet), len(packet)) + packet)


if __name__ == "__main__":
    main()
