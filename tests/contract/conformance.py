"""A property-based run of schemathesis, from spec/pcaps.json, against the simulator.

Two passes, with the same description told two ways:

- `any`: ids and buckets are anything that the description allows, or ones that are there, in about equal shares, so that
  refusals and successes are both looked at; and requests that break the description. Here a request that the description
  allows may be refused with 400, because it does not tell what a bucket's URI or an address looks like.
- `known`: everything is narrowed to what is right for this account. Here every request must be accepted (or refused with
  401, 403, 404, 409 or 429): the check `positive_data_acceptance`.

Of schemathesis' checks these are left out: `unsupported_method` and `allow_header_conformance`, because a wrong method is
answered as the vendor's gateway does, which is not in the description; `missing_required_header`, because the description
has no such header; `object_level_authorization`, which takes a description with several users.
"""

import argparse
import collections
import contextlib
import json
import os
import re
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

import schemathesis
from schemathesis.cli import schemathesis as cli

import simulator
from checks import Failed, equal, true
from simulator import Account

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "ignored_auth",
    "use_after_free",
    "ensure_resource_availability",
]

# A sample whose packets are not kept any more is 410: see the simulator's README.
CONFIGURATION = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "410", "429"]
"""

SUCCESS = {
    "start_capture": 200,
    "list_captures": 200,
    "get_capture": 200,
    "download_capture": 200,
    "stop_capture": 204,
    "register_bucket": 200,
    "list_buckets": 200,
    "validate_bucket": 200,
    "remove_bucket": 204,
}

BUCKETS = Path(os.environ["PCAPS_BUCKETS"])


class Known:
    """What there is at the simulator: captures of both kinds, and buckets."""

    def __init__(self) -> None:
        self.account = simulator.new_account()
        self.bucket = "s3://captures/edge?region=eu-west-1"
        self.challenge = self.registered(self.bucket)["challenge"]
        self.validate()
        self.samples = [self.sample() for _ in range(3)]
        self.full = self.start_full()
        # To be forgotten, while the one above stays.
        self.removable = [
            self.registered(f"gs://captures/{number}")["id"] for number in range(20)
        ]

    def post(self, path: str, **body: object) -> dict:
        return simulator.api(self.account, "POST", path, body)

    def registered(self, uri: str) -> dict:
        made = self.post("/ownership", destination_conf=uri)
        scheme, bucket, directory = re.match(r"(\w+)://(\w+)/(\w+)", uri).groups()
        file = BUCKETS / scheme / bucket / directory / made["filename"]
        return {"id": made["id"], "challenge": file.read_text()}

    def validate(self) -> None:
        self.post(
            "/ownership/validate",
            destination_conf=self.bucket,
            ownership_challenge=self.challenge,
        )

    def sample(self) -> str:
        request = {"type": "simple", "system": "magic-transit"}
        return self.post("", **request, time_limit=60, packet_limit=100)["id"]

    def start_full(self) -> str:
        request = {"type": "full", "system": "magic-transit", "time_limit": 60}
        place = {"colo_name": "ORD", "destination_conf": self.bucket}
        return self.post("", **request, **place)["id"]


def either(known: list[str], otherwise: dict | None) -> dict:
    """A schema of texts that are known, or of what the description says."""
    schema = {"type": "string", "enum": known}
    return schema if otherwise is None else {"anyOf": [schema, otherwise]}


def tell(description: dict, known: Known, narrow: bool) -> None:
    """Puts what is known into the description: beside what it allows, or in place of it."""
    schemas = description["components"]["schemas"]

    def known_or(values: list[str], name: str) -> dict:
        return either(values, None if narrow else dict(schemas[name]))

    ids = {
        # Samples are downloaded, full captures are stopped: the other way around it is 400.
        "get_capture": [*known.samples, known.full],
        "download_capture": known.samples,
        "stop_capture": [known.full],
        "remove_bucket": known.removable,
    }
    for operation in operations(description):
        for parameter in operation["parameters"]:
            if parameter["name"] == "account_id":
                parameter["schema"] = either([known.account.account_id], None)
            else:
                values = ids[operation["operationId"]]
                parameter["schema"] = known_or(values, "Identifier")
    now = datetime.now(timezone.utc)
    times = [(now - timedelta(hours=hours)).isoformat() for hours in (1, 5, 20)]
    # Requests only: answers are held to the description as it is.
    told = {
        # Not the one that captures go to: what is registered is forgotten again.
        ("RegisterBucketRequest", "destination_conf"): known_or(
            ["gs://captures/0", "s3://captures/new?region=auto"], "DestinationConf"
        ),
        ("ValidateBucketRequest", "destination_conf"): known_or(
            [known.bucket], "DestinationConf"
        ),
        ("ValidateBucketRequest", "ownership_challenge"): known_or(
            [known.challenge], "OwnershipChallenge"
        ),
        ("FullCaptureRequest", "destination_conf"): known_or(
            [known.bucket], "DestinationConf"
        ),
        ("FullCaptureRequest", "colo_name"): known_or(
            ["ORD", "ord02", "LHR"], "ColoName"
        ),
        ("SimpleCaptureRequest", "offset_time"): known_or(times, "OffsetTime"),
    }
    if narrow:
        addresses = either(["192.0.2.7", "198.51.100.1", "2001:db8::7"], None)
        wanted = json.loads(json.dumps(schemas["Filter"]))
        for name in ("source_address", "destination_address"):
            wanted["properties"][name] = addresses
        for name in ("SimpleCaptureRequest", "FullCaptureRequest"):
            told[(name, "filter_v1")] = wanted
    for (schema, name), value in told.items():
        schemas[schema]["properties"][name] = value


def link(description: dict, narrow: bool) -> None:
    """Says which operations take the ids that others hand out: the description has no links."""
    account = {"account_id": "$request.path.account_id"}
    capture = account | {"pcap_id": "$response.body#/result/id"}
    bucket = account | {"ownership_id": "$response.body#/result/id"}
    links = {
        "start_capture": {
            "get_capture": capture,
            "download_capture": capture,
        },
        "register_bucket": {"remove_bucket": bucket, "list_buckets": account},
        "stop_capture": {"get_capture": account | {"pcap_id": "$request.path.pcap_id"}},
    }
    if not narrow:
        # A sample cannot be stopped: 400.
        links["start_capture"]["stop_capture"] = capture
    for operation in operations(description):
        for target, parameters in links.get(operation["operationId"], {}).items():
            status = str(SUCCESS[operation["operationId"]])
            response = operation["responses"][status]
            response.setdefault("links", {})[target] = {
                "operationId": target,
                "parameters": parameters,
            }


def operations(description: dict):
    for path in description["paths"].values():
        yield from path.values()


class Pass:
    """One run of schemathesis, and what was answered in it."""

    def __init__(self, name: str, description: dict, known: Known) -> None:
        self.name = name
        self.description = description
        self.account: Account = known.account
        self.statuses: collections.Counter[tuple[str, int]] = collections.Counter()

    def run(self, arguments: list[str], examples: int, seed: int) -> int:
        """Runs it, and gives how many cases there were."""
        with tempfile.TemporaryDirectory() as folder:
            file, report = Path(folder, "description.json"), Path(folder, "report.json")
            file.write_text(json.dumps(self.description))
            configuration = Path(folder, "schemathesis.toml")
            configuration.write_text(CONFIGURATION)
            code = command(
                ["--config-file", str(configuration), "run", str(file)]
                + ["--url", simulator.BASE_URL]
                + ["--header", f"Authorization: Bearer {self.account.api_token}"]
                + ["--seed", str(seed), "--max-examples", str(examples)]
                + ["--generation-database", "none", "--continue-on-failure"]
                + ["--phases", "examples,coverage,fuzzing,stateful"]
                + ["--warnings", "off", "--no-color"]
                + ["--report", "json", "--report-json-path", str(report)]
                + arguments,
                self.count,
            )
            equal(f"{self.name}: schemathesis' exit code", code, 0)
            return self.judge(json.loads(report.read_text()))

    def count(self, case, response) -> None:
        operation = case.operation.definition.raw["operationId"]
        # Methods that the operation does not have are tried too.
        if case.method.lower() == case.operation.method.lower():
            self.statuses[(operation, response.status_code)] += 1

    def judge(self, report: dict) -> int:
        """Whether all of it was run, as its own report says."""
        equal(f"{self.name}: complete", report["complete"], True)
        equal(f"{self.name}: failures", report["failures"], [])
        equal(f"{self.name}: errors", report["errors"], [])
        equal(f"{self.name}: operations", report["operations"]["tested"], 9)
        for phase in ("coverage", "fuzzing", "stateful"):
            status = report["phases"][phase]["status"]
            equal(f"{self.name}: the phase {phase}", status, "success")
        return report["test_cases"]["generated"]


def command(arguments: list[str], answered) -> int:
    """Schemathesis' command line, in this process."""

    @schemathesis.hook
    def after_call(context, case, response) -> None:
        answered(case, response)

    try:
        # What it prints is for the log: what counts is in its report.
        with contextlib.redirect_stdout(sys.stderr):
            cli.main(arguments, standalone_mode=False)
    except SystemExit as exit:
        return int(exit.code or 0)
    finally:
        schemathesis.hooks.unregister(after_call)
    return 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--description", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(f"seed {options.seed}, at least {options.cases} cases")
    cases = 0
    statuses: collections.Counter[tuple[str, int]] = collections.Counter()
    for name in ("any", "known"):
        known = Known()
        description = json.loads(options.description.read_text())
        tell(description, known, name == "known")
        link(description, name == "known")
        it = Pass(name, description, known)
        extra = ["--mode", "positive"] if name == "known" else ["--mode", "all"]
        checks = CHECKS + (["positive_data_acceptance"] if name == "known" else [])
        arguments = ["--checks", ",".join(checks), *extra]
        cases += it.run(arguments, options.cases // 20, options.seed)
        statuses += it.statuses
    show(statuses)
    for operation, status in SUCCESS.items():
        true(
            f"{operation} was never answered with {status}",
            statuses[(operation, status)],
        )
    print(f"{cases} cases, {sum(statuses.values())} answers, nothing to complain of")
    true(f"{cases} cases are too few", cases >= options.cases)


def show(statuses: collections.Counter[tuple[str, int]]) -> None:
    """How often each operation was answered with each status."""
    for operation in SUCCESS:
        of = {s: n for (name, s), n in sorted(statuses.items()) if name == operation}
        counts = ", ".join(f"{status}: {count}" for status, count in of.items())
        print(f"  {operation:<18} {counts}")


if __name__ == "__main__":
    main()
