"""Asks a Spark Connect server (Spark, Sail) or a Spark cluster, for pcaps.

The request is the first line of standard input: {"engine", "from", "flows", "sql", "parquet"}. When standard input ends,
the query is cancelled: that is how whoever asked says that nobody waits any more, also when it was killed.

Standard output has a JSON document a line: {"columns": [...]}, then a list for each row, then {"end": rows}. With
"parquet", a path, the rows go into that file instead. {"error": {"kind", "message"}} comes in place of whatever comes next.
"""

import sys

# `python -c` looks for modules in the folder in which it is run, before all others.
sys.path[:] = [place for place in sys.path if place]

import contextlib
import datetime
import decimal
import json
import math
import os
import signal
import socket
import threading
import urllib.parse

# What Java and libraries print must not get between the documents.
OUT = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)

SESSION = None


def say(document):
    json.dump(document, OUT, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    OUT.write("\n")


def leave(code):
    """Ends now: threads of gRPC and Java may never do so by themselves."""
    try:
        OUT.flush()
    except OSError:
        pass
    os._exit(code)


def fail(kind, message):
    say({"error": {"kind": kind, "message": message}})
    leave(1)


def told(error):
    """What an error says, without plans and stack traces."""
    lines = []
    for line in str(error).splitlines():
        if line.startswith(("'", "JVM stacktrace", "\tat ")) or (lines and not line.strip()):
            break
        if line.strip():
            lines.append(line.strip())
    return (" ".join(lines) or type(error).__name__)[:2000]


def watch():
    """Cancels the query when nobody waits for it any more."""
    sys.stdin.read()
    # A server that does not answer is not waited for.
    threading.Timer(1.0, os._exit, [130]).start()
    try:
        if SESSION is not None:
            SESSION.interruptAll()
    except Exception:
        pass
    os._exit(130)


def reach(engine):
    """Says at once that nobody is there: pyspark tries again for minutes."""
    proxies = ("grpc_proxy", "https_proxy", "http_proxy")
    if any(os.environ.get(name) or os.environ.get(name.upper()) for name in proxies):
        return
    url = urllib.parse.urlparse(engine)
    if "," in url.netloc:
        # Several masters, of which one is enough.
        return
    try:
        port = url.port or (15002 if url.scheme == "sc" else 7077)
    except ValueError as error:
        fail("engine", f"{url.scheme}://{url.netloc} has no port that can be used: {error}")
    try:
        socket.create_connection((url.hostname, port), 10).close()
    except OSError as error:
        fail("engine", f"nobody answers at {url.hostname}:{port}: {error.strerror or error}")


def connect(engine):
    reach(engine)
    try:
        from pyspark.sql import SparkSession

        if engine.startswith("sc://"):
            import pyspark.sql.connect.session  # for its error, if something is missing

            builder = SparkSession.builder.remote(engine)
        else:
            builder = (
                SparkSession.builder.master(engine)
                .appName("pcaps query")
                .config("spark.api.mode", "connect")
                .config("spark.ui.enabled", "false")
            )
    except Exception as error:
        # pyspark says in a way of its own which of the packages that it needs is missing.
        if isinstance(error, ImportError) or "not installed" in str(error) or "PACKAGE" in str(error):
            what = "pyspark-client 'pandas<3'" if engine.startswith("sc://") else "'pyspark[connect]' 'pandas<3'"
            fail(
                "missing",
                f"{sys.executable} has not all that Spark Connect needs ({told(error)}): {sys.executable} -m pip install {what}, "
                "or name another Python with PYSPARK_PYTHON",
            )
        raise
    session = builder.getOrCreate()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    return session


def plain(value, kind):
    """A value as JSON has it: the same on every engine."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value).replace("nan", "NaN")
    if isinstance(value, decimal.Decimal):
        return float(value) if len(value.as_tuple().digits) <= 15 else format(value, "f")
    if isinstance(value, datetime.datetime):
        return value.isoformat(timespec="microseconds") + ("" if kind.typeName() == "timestamp_ntz" else "Z")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return duration(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if hasattr(kind, "elementType"):
        return [plain(it, kind.elementType) for it in value]
    if hasattr(kind, "valueType"):
        return {name_of(plain(name, kind.keyType)): plain(it, kind.valueType) for name, it in value.items()}
    if hasattr(kind, "fields"):
        return {field.name: plain(it, field.dataType) for field, it in zip(kind.fields, value)}
    return str(value)


def name_of(key):
    return key if isinstance(key, str) else json.dumps(key)


def duration(value):
    """A length of time, in seconds of ISO 8601."""
    micros = value // datetime.timedelta(microseconds=1)
    seconds, rest = divmod(abs(micros), 1_000_000)
    fraction = f".{rest:06}".rstrip("0") if rest else ""
    return f"{'-' if micros < 0 else ''}PT{seconds}{fraction}S"


def is_nested(kind):
    return any(hasattr(kind, name) for name in ("elementType", "valueType", "fields"))


def arrow(value, kind):
    """A nested value as pyarrow takes it: what has names is no row, and what has keys is pairs."""
    if value is None or not is_nested(kind):
        return value
    if hasattr(kind, "elementType"):
        return [arrow(it, kind.elementType) for it in value]
    if hasattr(kind, "valueType"):
        return [(arrow(name, kind.keyType), arrow(it, kind.valueType)) for name, it in value.items()]
    if hasattr(kind, "fields"):
        return {field.name: arrow(it, field.dataType) for field, it in zip(kind.fields, value)}


def save(frame, kinds, path):
    """Writes the rows as Parquet, some at a time."""
    import itertools

    import pyarrow.parquet

    schema = frame.limit(0).toArrow().schema
    rows, written = frame.toLocalIterator(), 0
    try:
        with pyarrow.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
            while batch := list(itertools.islice(rows, 1 << 16)):
                arrays = [
                    pyarrow.array([arrow(it, kind) for it in column] if is_nested(kind) else column, field.type)
                    for column, kind, field in zip(zip(*batch), kinds, schema)
                ]
                writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))
                written += len(batch)
    except BaseException:
        # It has an end as a whole one has, if it was begun.
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
        raise
    return written


def views(session, request):
    place = request["from"]
    try:
        packets = session.read.parquet(place)
        names = packets.columns
    except Exception as error:
        fail("data", f"the engine cannot read {place} as Parquet: {told(error)}")
    if "capture_id" not in names:
        fail("data", f"{place} has no folders capture_id=…: give the folder that `pcaps export` was given with -o")
    # What stands in the names of folders is text to some, and numbers to others.
    for name, kind in (("capture_id", "string"), ("date", "date"), ("hour", "int")):
        if name in names:
            packets = packets.withColumn(name, packets[name].cast(kind))
    packets.createOrReplaceTempView("packets")
    session.sql(request["flows"]).createOrReplaceTempView("flows")


def answer(session, request):
    from pyspark.errors import AnalysisException, ParseException

    try:
        frame = session.sql(request["sql"])
        columns, kinds = frame.columns, [field.dataType for field in frame.schema.fields]
    except (AnalysisException, ParseException) as error:
        fail("sql", f"the SQL cannot be used: {told(error)}")
    say({"columns": columns})
    # Who asked may already refuse them.
    OUT.flush()
    rows = 0
    if request["parquet"] is None:
        for row in frame.toLocalIterator():
            say([plain(value, kind) for value, kind in zip(row, kinds)])
            rows += 1
    else:
        rows = save(frame, kinds, request["parquet"])
    say({"end": rows})


def main():
    global SESSION
    # Ctrl-C is for who asked, whose end is the end of standard input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=watch, daemon=True).start()
    try:
        SESSION = connect(request["engine"])
        views(SESSION, request)
        answer(SESSION, request)
        OUT.flush()
        SESSION.stop()
    except BrokenPipeError:
        leave(1)
    except Exception as error:
        fail("engine", told(error))
    leave(0)


main()
