"""Full captures into other people's stores: moto as S3 (for `s3://` and `r2://`) and fake-gcs-server (for `gs://`), both
through `pcaps sim --bucket-map`. What is in the stores is read with other people's clients: boto3, and plain HTTP; then by
`pcaps fetch`, whose one file capinfos counts; and by `pcaps export`, which writes a table beside it, whose rows DuckDB counts.

fake-gcs-server cannot be written to as the cloud can, by a plain PUT of the XML interface: it takes one only with the
query of a signed URL, and its answer has no `ETag`. `Front` is before it and adds both; everything else passes as it is.
"""

import http.server
import json
import os
import subprocess
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request

import boto3
import duckdb

import simulator
from checks import equal, packets, true

S3 = os.environ["PCAPS_S3"]
GCS = os.environ["PCAPS_GCS"]
PROGRAM = os.environ["PCAPS_PROGRAM"]
MAPS = os.environ["PCAPS_BUCKET_MAPS"].split("\n")


class S3Store:
    """A bucket of moto."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        self.client = boto3.client("s3", endpoint_url=S3, region_name="us-east-1")
        self.client.create_bucket(Bucket=bucket)

    def names(self) -> list[str]:
        listed = self.client.list_objects_v2(Bucket=self.bucket)
        return [it["Key"] for it in listed.get("Contents", [])]

    def read(self, name: str) -> bytes:
        return self.client.get_object(Bucket=self.bucket, Key=name)["Body"].read()


class GcsStore:
    """A bucket of fake-gcs-server, by the JSON interface of the cloud."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        made = json.dumps({"name": bucket}).encode()
        request = urllib.request.Request(
            f"{GCS}/storage/v1/b", made, {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=30).close()

    def names(self) -> list[str]:
        return [it["name"] for it in json.loads(self.get("")).get("items", [])]

    def read(self, name: str) -> bytes:
        return self.get(f"/{urllib.parse.quote(name, safe='')}?alt=media")

    def get(self, rest: str) -> bytes:
        url = f"{GCS}/storage/v1/b/{self.bucket}/o{rest}"
        with urllib.request.urlopen(url, timeout=30) as response:
            return response.read()


class Front(http.server.BaseHTTPRequestHandler):
    """Passes requests on to fake-gcs-server."""

    protocol_version = "HTTP/1.1"

    def pass_on(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length) if length else None
        path = self.path
        if self.command == "PUT":
            path += ("&" if "?" in path else "?") + "X-Goog-Algorithm=GOOG4-RSA-SHA256"
        # Each request has a connection of its own.
        own = ("host", "connection", "content-length", "accept-encoding")
        headers = {k: v for k, v in self.headers.items() if k.lower() not in own}
        request = urllib.request.Request(GCS + path, body, headers, method=self.command)
        try:
            response = urllib.request.urlopen(request, timeout=30)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            content, answered = response.read(), dict(response.headers.items())
            if self.command == "PUT" and response.status == 200:
                answered["ETag"] = json.loads(content)["etag"]
            self.answer(response.status, answered, content)

    def answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in (
                "transfer-encoding",
                "content-length",
                "connection",
            ):
                self.send_header(name, value)
        length = headers.get("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = pass_on

    def log_message(self, format: str, *arguments: object) -> None:
        """Requests are not logged: their URLs may hold signatures."""


def capture(name: str, uri: str, proof: str, store, prefix: str) -> None:
    """Proves a bucket and captures into it; `uri` is for registering, `proof` for everything after that."""
    account = simulator.new_account()

    def post(path: str, **body: object) -> dict:
        return simulator.api(account, "POST", path, body)

    registered = post("/ownership", destination_conf=uri)
    challenge = store.read(prefix + registered["filename"]).decode()
    validated = post(
        "/ownership/validate", destination_conf=proof, ownership_challenge=challenge
    )
    equal(f"{name}: the proof", validated["status"], "success")

    started = post(
        "",
        type="full",
        system="magic-transit",
        time_limit=30,
        colo_name="ORD",
        destination_conf=proof,
        packet_limit=2000,
    )
    path = f"/{started['id']}"
    simulator.advance(60)
    ended = simulator.api(account, "GET", path)
    equal(f"{name}: the capture's status", ended["status"], "success")

    files = [it for it in store.names() if started["id"] in it]
    true(f"{name}: there are files", files)
    for file in files:
        true(f"{name}: {file} is below {prefix}", file.startswith(prefix))
        true(f"{name}: {file} is named as captures are", file.endswith(".pcap"))
    total = sum(packets(f"{name}: {file}", store.read(file)) for file in files)
    equal(f"{name}: packets in the files", total, ended["packets_captured"])
    true(f"{name}: there are packets", total > 0)
    equal(f"{name}: packets in one file", fetched(account, started["id"]), total)

    table = uri.replace("/edge", "/table")
    equal(f"{name}: rows in a table", exported(name, uri, table, store), total)

    simulator.api(account, "DELETE", f"/ownership/{registered['id']}")
    left = [it for it in store.names() if it == prefix + registered["filename"]]
    equal(f"{name}: the challenge file, after the bucket was forgotten", left, [])
    print(f"{name}: {total} packets in {len(files)} files")


def fetched(account: simulator.Account, capture: str) -> int:
    """How many packets capinfos finds in the file that `pcaps fetch` makes of a capture."""
    environment = os.environ | {
        "CLOUDFLARE_ACCOUNT_ID": account.account_id,
        "CLOUDFLARE_API_TOKEN": account.api_token,
    }
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/one.pcap"
        command = [PROGRAM, "fetch", capture, "-o", path]
        for mapping in MAPS:
            command += ["--bucket-map", mapping]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        counted = ["capinfos", "-T", "-r", "-M", "-c", path]
        text = subprocess.run(counted, check=True, capture_output=True, text=True)
        return int(text.stdout.split("\t")[1])


def exported(name: str, uri: str, table: str, store) -> int:
    """How many rows DuckDB finds in the table that `pcaps export` makes of what is below a URI."""

    def run() -> dict:
        command = [PROGRAM, "export", uri, "-o", table, "--json"]
        for mapping in MAPS:
            command += ["--bucket-map", mapping]
        run = subprocess.run(command, check=True, capture_output=True, text=True)
        return json.loads(run.stdout)

    first = run()
    equal(f"{name}: states", {it["state"] for it in first["inputs"]}, {"exported"})
    files = {it: store.read(it) for it in store.names() if it.endswith(".parquet")}
    equal(f"{name}: bytes", sum(map(len, files.values())), first["bytes_written"])
    again = run()
    equal(f"{name}: states", {it["state"] for it in again["inputs"]}, {"unchanged"})
    left = {it: store.read(it) for it in store.names() if it.endswith(".parquet")}
    true(f"{name}: the table is as it was", left == files)

    rows = 0
    with tempfile.TemporaryDirectory() as folder:
        for number, content in enumerate(files.values()):
            path = f"{folder}/{number}.parquet"
            with open(path, "wb") as file:
                file.write(content)
            found = duckdb.sql(f"SELECT count(*), count(DISTINCT file) FROM '{path}'")
            [(count, inputs)] = found.fetchall()
            rows += count
            equal(f"{name}: captures in a file of the table", inputs, 1)
    equal(f"{name}: rows by what is said", rows, first["rows"])
    return rows


def main() -> None:
    address = ("127.0.0.1", int(os.environ["PCAPS_GCS_FRONT"]))
    front = http.server.ThreadingHTTPServer(address, Front)
    threading.Thread(target=front.serve_forever, daemon=True).start()

    mapped = S3Store("mapped")
    s3 = "s3://captures/edge?region=eu-west-1"
    capture("S3", s3, s3, mapped, "below/edge/")
    keys = "access-key-id=key&secret-access-key=secret"
    r2 = "r2://captures/edge?account-id=0123456789abcdef"
    capture("R2", f"{r2}&{keys}", r2, S3Store("mapped-r2"), "edge/")
    gs = "gs://captures/edge"
    capture("GCS", gs, gs, GcsStore("mapped"), "edge/")


if __name__ == "__main__":
    main()
