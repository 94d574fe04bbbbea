"""Asks every question of every engine, and wants the answers that are planted.

Arguments: the program `pcaps`, the folder of a data set of the simulator's traffic and of plant.py's capture, a folder to work in.
"""

import json
import os
import signal
import subprocess
import sys
import time

import engines
import plant

QUESTIONS = "top-talkers ports syn-flood dns-amplification scan timeline retransmits mtu".split()

# Over the view.
OTHERS = {
    "flows": "SELECT * FROM flows ORDER BY bytes DESC, src_addr, dst_addr, src_port, dst_port, protocol LIMIT 50",
    "columns": "SELECT * FROM packets ORDER BY file, frame_number LIMIT 50",
    "nothing": "SELECT src_addr, max(ts) AS last_ts FROM packets WHERE ip_version = 5 GROUP BY src_addr",
}

PCAPS, DATA, WORK = sys.argv[1:4]


def pcaps(*arguments, **more):
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    command = [PCAPS, "query", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, **more)


def asked(engine, data=DATA):
    """An engine that `pcaps query` asks."""

    def ask(sql):
        # As it comes out of --show-sql, by standard input.
        run = pcaps("-", "--from", data, "--engine", engine, "--json", input=sql)
        if run.returncode != 0:
            sys.exit(f"{engine}: {run.stderr}\n{sql}")
        return json.loads(run.stdout)

    return ask


def shown(*question):
    return pcaps(*question, "--show-sql", check=True).stdout


def expect(name, found, expected):
    if found == expected:
        return
    # Of rows, the first that differs.
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        found, expected = next((it for it in zip(found, expected) if it[0] != it[1]))
    sys.exit(f"{name}:\n  found    {found}\n  expected {expected}"[:4000])


def planted(answers):
    """What the documentation of `Traffic::synthetic` says that there is, and what plant.py has written."""
    minutes = {row["minute"]: row for row in answers["timeline"]}
    # The last one may be cut.
    whole = len(minutes) - 1
    assert whole > 30, whole

    [flood] = answers["syn-flood"]
    expect("flooded", (flood["dst_addr"], flood["dst_port"]), ("203.0.113.10", 443))
    assert whole <= flood["minutes"] <= whole + 1, flood
    assert 6 * 25 * whole <= flood["syns"] and 6 * 25 <= flood["most_syns_in_a_minute"] <= 11 * 44 + 60, flood
    assert flood["most_sources_in_a_minute"] > 150, flood

    [amplified] = answers["dns-amplification"]
    expect("amplified", amplified["dst_addr"], "203.0.113.20")
    assert 4 * 20 * whole <= amplified["answers"] <= 6 * 34 * (whole + 1), amplified
    assert 300 <= amplified["resolvers"] <= 400 and amplified["bytes"] > 1_000 * amplified["answers"], amplified

    # One in each minute.
    assert whole <= len(answers["scan"]) <= whole + 1, len(answers["scan"])
    for scan in answers["scan"]:
        assert scan["src_addr"].startswith("198.19."), scan
        expect("scan", (scan["targets"], scan["open"], scan["destinations"], scan["ports"]), (100, 3, 4, 25))

    for name, rows in plant.EXPECTED.items():
        expect(name, answers[name], rows)
    expect("nothing", answers["nothing"], [])
    expect("packets of all minutes", sum(it["packets"] for it in minutes.values()), PACKETS)
    assert {"TCP", "UDP"} <= {it["protocol_name"] for it in answers["ports"]}
    sums = [it["bytes"] for it in answers["top-talkers"]]
    assert len(sums) == 20 and sums == sorted(sums, reverse=True)


with engines.Servers(WORK) as servers:
    master, connect = servers.spark()
    bucket = servers.store(DATA)
    sail = servers.sail(bucket)
    flows = shown()
    every = {
        "DuckDB": engines.duckdb(DATA, flows),
        "DataFusion": engines.datafusion(DATA, flows),
        "Spark": asked(connect),
        "Sail": asked(sail),
        "Sail, from a bucket": asked(sail, "s3://packets/edge"),
    }
    if pcaps("SELECT 1", "--from", DATA, "--engine", "datafusion").returncode == 0:
        # Built with the feature `query`.
        every["pcaps"] = asked("datafusion")
        os.environ.update(bucket)
        every["pcaps, from a bucket"] = asked("datafusion", "s3://packets/edge?region=us-east-1")
    [[PACKETS]] = [it.values() for it in every["DuckDB"]("SELECT count(*) AS packets FROM packets")]
    questions = {name: shown("--ask", name) for name in QUESTIONS} | OTHERS
    answers = {}
    for engine, ask in every.items():
        begin = time.monotonic()
        for name, sql in questions.items():
            rows = ask(sql)
            expect(f"{engine}, {name}", rows, answers.setdefault(name, rows))
        print(f"{engine}: {len(questions)} questions, {time.monotonic() - begin:.1f} s")
    planted(answers)
    print(f"{PACKETS} packets: {len(every)} engines, the same answers, with what was planted")

    # A cluster without Connect.
    expect("spark://", asked(master)(questions["mtu"]), answers["mtu"])

    for engine in (connect, sail):
        # Files.
        for name in ("t.parquet", "t.csv"):
            path = os.path.join(WORK, name)
            saved = pcaps("--ask", "timeline", "--from", DATA, "--engine", engine, "-o", path)
            assert saved.returncode == 0, saved.stderr
            back = every["DuckDB"](f"SELECT * FROM '{path}' ORDER BY minute")
            expect(name, back, answers["timeline"])
            os.remove(path)
        # Of all types that there are, and of no rows.
        kinds = """SELECT DATE '2026-01-02' AS day, CAST(1.50 AS DECIMAL(10, 2)) AS price, CAST('ab' AS BINARY) AS bytes,
            max(ts) AS moment, array(1, NULL) AS list, map('a', 1) AS map, named_struct('b', 2) AS struct FROM packets"""
        for name, sql in {"kinds": kinds, "columns": OTHERS["columns"], "nothing": OTHERS["nothing"]}.items():
            path = os.path.join(WORK, f"{name}.parquet")
            saved = pcaps(sql, "--from", DATA, "--engine", engine, "-o", path)
            assert saved.returncode == 0, saved.stderr
            back = every["DuckDB"](f"SELECT * FROM '{path}'")
            if name == "kinds":
                [row] = back
                found = [str(it) for it in (row["day"], row["price"], row["list"], row["struct"])]
                expect("kinds", found, ["2026-01-02", "1.50", "[1, None]", "{'b': 2}"])
            else:
                expect(name, back, answers[name])
            os.remove(path)
        # What it cannot do, it says.
        odd = pcaps("SELECT nix FROM packets", "--from", DATA, "--engine", engine)
        assert odd.returncode == 2 and "nix" in odd.stderr and odd.stderr.count("\n") == 1, odd
        none = pcaps("SELECT 1", "--from", f"{WORK}/none", "--engine", engine)
        assert none.returncode == 1 and "none" in none.stderr and none.stderr.count("\n") == 1, none
    nobody = pcaps("SELECT 1", "--from", DATA, "--engine", f"sc://127.0.0.1:{engines.free_port()}")
    assert nobody.returncode == 1 and "nobody answers" in nobody.stderr, nobody

    # Ctrl-C, in the middle of what would take long: of many small pieces, because a task is not ended within a loop.
    endless = "SELECT sum(id % 7) AS n FROM range(0, 100000000000, 1, 50000)"
    command = [PCAPS, "query", endless, "--from", DATA, "--engine", connect]
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    child = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    time.sleep(8)
    begin = time.monotonic()
    child.send_signal(signal.SIGINT)
    said = child.communicate(timeout=10)[1]
    expect("interrupted", (child.returncode, said), (130, "error: interrupted\n"))
    # Nothing of it is left in the way of the next.
    expect("the next", asked(connect)(questions["mtu"]), answers["mtu"])
    print(f"interrupted, and the next answered, in {time.monotonic() - begin:.1f} s")
