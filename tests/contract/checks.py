"""What every program here checks with: each says what was looked at, what was found and what was expected."""


class Failed(Exception):
    """Something is not as it should be."""


def equal(what: str, found: object, expected: object) -> None:
    """Fails unless both are equal and of one type: 80.0 is not 80 here."""
    if found != expected or type(found) is not type(expected):
        raise Failed(f"{what}: found {found!r}, expected {expected!r}")


def true(what: str, condition: object) -> None:
    """Fails unless the condition holds."""
    if not condition:
        raise Failed(what)


def packets(what: str, content: bytes) -> int:
    """How many packets a classic capture file holds. Fails unless it is one, to its last byte."""
    orders = {b"\xd4\xc3\xb2\xa1": "little", b"\xa1\xb2\xc3\xd4": "big"}
    order = orders.get(content[:4])
    if order is None or len(content) < 24:
        raise Failed(f"{what}: {len(content)} bytes that are no capture file")
    at, count = 24, 0
    while at < len(content):
        at += 16 + int.from_bytes(content[at + 8 : at + 12], order)
        count += 1
    equal(f"{what}: the end of the last packet", at, len(content))
    return count
