"""The vendor's official Python SDK, with both of its clients, against the simulator: all nine operations, each result
read back field by field, and each failure as the exception that the SDK has for it.

What the SDK 5.9.0 loses of a result (the simulator's answer is right; `pcaps` reads all of it):

- `packet_limit` of both kinds of capture is not in its types. It is only in `model_extra`.
- Integers come back as floats (`time_limit`, `byte_limit`, ports), but those without a type as they are (`packet_limit`).
- `submitted` and `validated` are text; `offset_time` and `stop_requested` are times.
- Its union of captures ignores `type`. It takes the first one when no type fits, so that a full capture with a value that
  is new (another status, an empty `stop_requested`) is a `PCAP`, whose fields `colo_name`, `destination_conf` and
  `packets_captured` are there without types and unknown to a type checker.
"""

import asyncio
import inspect
import os
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import cloudflare
from cloudflare.types.magic_transit import PCAP
from cloudflare.types.magic_transit.pcap_get_response import (
    MagicVisibilityPCAPsPCAPsResponseFull as GotFull,
)
from cloudflare.types.magic_transit.pcaps import Ownership

import simulator
from checks import Failed, equal, packets, true
from simulator import Account

Client = cloudflare.Cloudflare | cloudflare.AsyncCloudflare

BUCKETS = Path(os.environ["PCAPS_BUCKETS"])


async def done(answer: object) -> object:
    """What a call gives: at once with the blocking client, after a wait with the other."""
    return await answer if inspect.isawaitable(answer) else answer


class Run:
    """The checks, for one client with an account of its own."""

    def __init__(self, client: type[Client]) -> None:
        self.name = client.__name__
        self.refusals = 0
        self.account = simulator.new_account()
        self.client = client
        self.pcaps = self.with_token(self.account.api_token)
        # Without slashes at its ends; each client has its own.
        self.directory = self.name.lower()
        self.bucket = f"s3://captures/{self.directory}?region=eu-west-1"

    def with_token(self, token: str):
        client = self.client(
            base_url=simulator.BASE_URL, api_token=token, max_retries=0
        )
        return client.magic_transit.pcaps

    async def call(self, method: Callable, *arguments: object, **named: object):
        """Calls an operation for the account."""
        named.setdefault("account_id", self.account.account_id)
        return await done(method(*arguments, **named))

    async def refused(
        self,
        error: type[cloudflare.APIStatusError],
        status: int,
        method: Callable,
        *arguments: object,
        **named: object,
    ) -> cloudflare.APIStatusError:
        """Calls an operation that must fail with this exception."""
        what = f"{self.name}: {method.__qualname__} with {status}"
        try:
            answer = await self.call(method, *arguments, **named)
        except cloudflare.APIStatusError as found:
            equal(f"{what}: the exception", type(found), error)
            equal(f"{what}: the status", found.status_code, status)
            true(f"{what}: it has an error", len(found.errors) > 0)
            true(f"{what}: its code", found.errors[0].code >= 1000)
            true(f"{what}: its message", found.errors[0].message)
            self.refusals += 1
            return found
        raise Failed(f"{what}: it was answered, with {answer!r}")

    async def all(self) -> None:
        sample = await self.sample()
        await self.download(sample)
        ownership = await self.prove_bucket()
        full = await self.full()
        await self.lists(sample, full)
        await self.failures(sample, full)
        await self.end(full)
        await self.unknown_status(full)
        await self.forget_bucket(ownership)
        self.nine_operations()

    def nine_operations(self) -> None:
        """Every operation has worked: what the simulator says, not what the SDK says."""
        worked = {
            request["operation"]
            for request in simulator.control("GET", "/requests")
            if request["status"] in (200, 204)
            and self.account.account_id in request["path"]
        }
        equal("operations that worked", len(worked - {None}), 9)

    async def sample(self) -> PCAP:
        offset = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(hours=1)
        started = await self.call(
            self.pcaps.create,
            type="simple",
            system="magic-transit",
            time_limit=300,
            packet_limit=1000,
            offset_time=offset,
            filter_v1={"protocol": 6, "destination_port": 443},
        )
        self.is_sample(started, started.id, offset)
        got = await self.call(self.pcaps.get, started.id)
        self.is_sample(got, started.id, offset)
        equal("what was started, asked for", got.to_dict(), started.to_dict())
        return got

    def is_sample(self, it: PCAP, id: str, offset: datetime) -> None:
        equal("a sample's type", type(it), PCAP)
        equal("a sample's id", it.id, id)
        is_id("a sample's id", it.id)
        equal("type", it.type, "simple")
        equal("system", it.system, "magic-transit")
        equal("status", it.status, "success")
        is_time("submitted", it.submitted)
        equal("time_limit", it.time_limit, 300.0)
        true("offset_time", it.offset_time == offset)
        equal("destination_port", it.filter_v1.destination_port, 443.0)
        equal("protocol", it.filter_v1.protocol, 6.0)
        equal("source_port", it.filter_v1.source_port, None)
        equal("source_address", it.filter_v1.source_address, None)
        equal("destination_address", it.filter_v1.destination_address, None)
        equal("what has no type", it.model_extra, {"packet_limit": 1000})

    async def download(self, sample: PCAP) -> None:
        answer = await self.call(self.pcaps.download.get, sample.id)
        content = await done(answer.read())
        url = simulator.url(self.account, f"/{sample.id}/download")
        plain = simulator.ask(url, self.account.api_token)
        true("a download has the bytes that a plain request gets", content == plain)
        count = packets("a download", content)
        true(f"a download has packets, not {count}", 0 < count <= 1000)

    async def prove_bucket(self) -> Ownership:
        ownership = self.pcaps.ownership
        registered = await self.call(ownership.create, destination_conf=self.bucket)
        self.is_ownership(registered, registered.id, "pending")
        equal("validated", registered.validated, "")
        [listed] = (await self.call(ownership.get)).result
        self.is_ownership(listed, registered.id, "pending")
        equal("validated, listed", listed.validated, "")

        wrong = {"destination_conf": self.bucket, "ownership_challenge": "wrong"}
        await self.refused(cloudflare.BadRequestError, 400, ownership.validate, **wrong)
        file = BUCKETS / "s3" / "captures" / self.directory / registered.filename
        validated = await self.call(
            ownership.validate,
            destination_conf=self.bucket,
            ownership_challenge=file.read_text(),
        )
        self.is_ownership(validated, registered.id, "success")
        is_time("validated", validated.validated)
        [listed] = (await self.call(ownership.get)).result
        equal("what was validated, listed", listed.to_dict(), validated.to_dict())
        return validated

    def is_ownership(self, it: Ownership, id: str, status: str) -> None:
        equal("an ownership's type", type(it), Ownership)
        equal("an ownership's id", it.id, id)
        is_id("an ownership's id", it.id)
        equal("an ownership's destination_conf", it.destination_conf, self.bucket)
        true("filename", it.filename.startswith("ownership-challenge-"))
        equal("an ownership's status", it.status, status)
        is_time("an ownership's submitted", it.submitted)
        equal("what has no type", it.model_extra, {})

    async def start_full(self):
        return await self.call(self.pcaps.create, **self.full_request())

    def full_request(self) -> dict[str, object]:
        return {
            "type": "full",
            "system": "magic-transit",
            "time_limit": 600,
            "packet_limit": 5000,
            "byte_limit": 1_000_000,
            "colo_name": "ORD",
            "destination_conf": self.bucket,
            "filter_v1": {"protocol": 17},
        }

    async def full(self) -> GotFull:
        started = await self.start_full()
        self.is_full(started, started.id, "pending")
        equal("packets_captured", started.packets_captured, 0)
        # Long enough that some of it is of the protocol, whatever the hour.
        simulator.advance(6)
        got = await self.call(self.pcaps.get, started.id)
        equal("the type of a full capture", type(got), GotFull)
        self.is_full(got, started.id, "running")
        true("packets_captured grows", got.packets_captured > 0)
        return got

    def is_full(self, it, id: str, status: str) -> None:
        # The same under three names: what starting, getting and listing give has a class of its own each.
        equal(
            "a full capture's type",
            type(it).__name__,
            "MagicVisibilityPCAPsPCAPsResponseFull",
        )
        equal("a full capture's id", it.id, id)
        is_id("a full capture's id", it.id)
        equal("type", it.type, "full")
        equal("system", it.system, "magic-transit")
        equal("status", it.status, status)
        is_time("submitted", it.submitted)
        equal("time_limit", it.time_limit, 600.0)
        equal("byte_limit", it.byte_limit, 1_000_000.0)
        equal("colo_name", it.colo_name, "ORD")
        equal("destination_conf", it.destination_conf, self.bucket)
        equal("protocol", it.filter_v1.protocol, 17.0)
        equal("error_message", it.error_message, None)
        equal("what has no type", it.model_extra, {"packet_limit": 5000})

    async def lists(self, sample: PCAP, full: GotFull) -> None:
        page = await self.call(self.pcaps.list)
        equal("success", page.success, True)
        equal("errors", page.errors, [])
        # The newest first.
        [first, second] = page.result
        self.is_full(first, full.id, "running")
        equal("a sample, listed", second.to_dict(), sample.to_dict())
        equal("the type of a sample, listed", type(second), PCAP)

    async def failures(self, sample: PCAP, full: GotFull) -> None:
        create, get = self.pcaps.create, self.pcaps.get
        request = {
            "type": "simple",
            "system": "magic-transit",
            "time_limit": 301,
            "packet_limit": 1,
        }
        bad = await self.refused(cloudflare.BadRequestError, 400, create, **request)
        equal("source.pointer", bad.errors[0].source.pointer, "/time_limit")
        request["time_limit"] = 300
        late = await self.refused(cloudflare.RateLimitError, 429, create, **request)
        seconds = int(late.response.headers["retry-after"])
        true(f"retry-after of {seconds} s", 0 < seconds <= 60)
        await self.refused(cloudflare.ConflictError, 409, create, **self.full_request())
        await self.refused(cloudflare.NotFoundError, 404, get, "0" * 32)
        await self.refused(
            cloudflare.BadRequestError, 400, self.pcaps.download.get, full.id
        )
        await self.refused(cloudflare.BadRequestError, 400, self.pcaps.stop, sample.id)
        nobody = self.with_token("0" * 64)
        await self.refused(cloudflare.AuthenticationError, 401, nobody.list)
        reader = self.with_token(self.account.read_token)
        equal(
            "what may be read", (await self.call(reader.get, sample.id)).id, sample.id
        )
        denied = cloudflare.PermissionDeniedError
        await self.refused(denied, 403, reader.create, **request)
        await self.refused(denied, 403, reader.stop, full.id)
        await self.refused(denied, 403, self.pcaps.list, account_id="f" * 32)

    async def end(self, full: GotFull) -> None:
        equal("stop", await self.call(self.pcaps.stop, full.id), None)
        raw = await self.call(self.pcaps.with_raw_response.stop, full.id)
        equal("the status of a second stop", raw.status_code, 204)
        equal("its body", raw.http_response.content, b"")
        simulator.advance(10)
        got = await self.call(self.pcaps.get, full.id)
        self.is_full(got, full.id, "success")
        true("stop_requested is a time", isinstance(got.stop_requested, datetime))
        true("stop_requested is in UTC", got.stop_requested.utcoffset() == timedelta(0))
        files = sorted((BUCKETS / "s3" / "captures").rglob(f"*{full.id}*.pcap"))
        count = sum(packets(file.name, file.read_bytes()) for file in files)
        equal("packets in the bucket", count, got.packets_captured)

    async def unknown_status(self, full: GotFull) -> None:
        """A status that the SDK does not know: what it makes of it is a `PCAP`, with everything in it all the same."""
        url = simulator.url(self.account, f"/{full.id}")
        answer = simulator.ask(url, self.account.api_token)
        fault = {
            "answer": {
                "status": 200,
                "media_type": "application/json",
                "body": answer.decode().replace('"success",', '"archived",', 1),
            }
        }
        order = {"operation": "get_capture", "times": 1, "fault": fault}
        simulator.control("POST", "/faults", order)
        got = await self.call(self.pcaps.get, full.id)
        equal("the status", got.status, "archived")
        equal("its type, by the SDK", type(got), PCAP)
        equal("its type, by the service", got.type, "full")
        equal("colo_name", got.model_extra["colo_name"], "ORD")
        equal("stop_requested", type(got.model_extra["stop_requested"]), str)
        simulator.control("DELETE", "/faults")

    async def forget_bucket(self, it: Ownership) -> None:
        ownership = self.pcaps.ownership
        equal("delete", await self.call(ownership.delete, it.id), None)
        equal("buckets", (await self.call(ownership.get)).result, [])
        await self.refused(cloudflare.NotFoundError, 404, ownership.delete, it.id)


def is_id(what: str, text: str) -> None:
    true(f"{what}: {text}", len(text) == 32 and int(text, 16) >= 0)


def is_time(what: str, text: str) -> None:
    """RFC 3339 with microseconds, as text."""
    equal(f"{what}: its type", type(text), str)
    datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")


def main() -> None:
    for client in (cloudflare.Cloudflare, cloudflare.AsyncCloudflare):
        run = Run(client)
        asyncio.run(run.all())
        print(f"{run.name}: all nine operations, {run.refusals} refusals")


if __name__ == "__main__":
    main()
