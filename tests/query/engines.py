"""Engines to compare: each answers SQL with rows as `pcaps query --json` prints them."""

import contextlib
import datetime
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import boto3
import pyspark


def plain(value):
    """A value of DuckDB's or DataFusion's as `pcaps query` prints it."""
    if isinstance(value, datetime.datetime):
        value = value.astimezone(datetime.timezone.utc)
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    return value


def duckdb(data, flows):
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    files = f"{data}/*/*/*/*.parquet"
    connection.execute(f"CREATE VIEW packets AS SELECT * FROM read_parquet('{files}', hive_partitioning = true)")
    connection.execute(f"CREATE VIEW flows AS {flows}")

    def ask(sql):
        found = connection.execute(sql)
        names = [it[0] for it in found.description]
        return [dict(zip(names, map(plain, row))) for row in found.fetchall()]

    return ask


def datafusion(data, flows):
    import datafusion
    import pyarrow

    context = datafusion.SessionContext()
    partitions = [("capture_id", pyarrow.string()), ("date", pyarrow.date32()), ("hour", pyarrow.int32())]
    context.register_listing_table("packets", f"{data}/", table_partition_cols=partitions, file_extension=".parquet")
    context.sql(f"CREATE VIEW flows AS {flows}")

    def ask(sql):
        rows = context.sql(sql).to_arrow_table().to_pylist()
        return [{name: plain(value) for name, value in row.items()} for row in rows]

    return ask


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


class Servers(contextlib.ExitStack):
    """Servers of this machine, which end with it."""

    def __init__(self, folder):
        super().__init__()
        self.folder = pathlib.Path(folder)

    def start(self, name, command, port, **environment):
        """Starts one, and waits until it listens."""
        log = self.folder / f"{name}.log"
        with open(log, "wb") as out:
            server = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.callback(self.end, server)
        for _ in range(600):
            if port is None:
                return
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            if server.poll() is not None:
                break
            time.sleep(0.1)
        sys.exit(f"{name} does not listen:\n{log.read_text()[-4000:]}")

    @staticmethod
    def end(server):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)

    def spark(self):
        """A cluster of a master and two workers, and a Spark Connect server on it. Gives the URLs of both."""
        home = os.path.dirname(pyspark.__file__)
        run = f"{home}/bin/spark-class"
        place = {"SPARK_HOME": home, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
        port, ui = free_port(), free_port()
        master = f"spark://127.0.0.1:{port}"
        deploy = "org.apache.spark.deploy"
        listen = ["--host", "127.0.0.1", "--port", str(port), "--webui-port", str(ui)]
        self.start("master", [run, f"{deploy}.master.Master", *listen], port, **place)
        for number in (1, 2):
            worker = ["--host", "127.0.0.1", "--cores", "2", "--memory", "1536m", "--webui-port", str(free_port())]
            self.start(f"worker{number}", [run, f"{deploy}.worker.Worker", *worker, master], None, **place)
        connect = free_port()
        settings = {
            "spark.connect.grpc.binding.port": connect,
            # Some are left for another application.
            "spark.cores.max": 2,
            "spark.executor.cores": 1,
            "spark.executor.memory": "512m",
            "spark.sql.shuffle.partitions": 2,
            "spark.ui.enabled": "false",
        }
        submit = [f"{home}/bin/spark-submit", "--master", master]
        for name, value in settings.items():
            submit += ["--conf", f"{name}={value}"]
        submit += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "spark-internal"]
        self.start("connect", submit, connect, **place)
        return master, f"sc://127.0.0.1:{connect}"

    def store(self, folder):
        """A store with S3's interface, and the files of a folder in its bucket `packets`, below `edge`. Gives what programs
        find it by, as variables of the environment."""
        port = free_port()
        command = [f"{os.path.dirname(sys.executable)}/moto_server", "--host", "127.0.0.1", "--port", str(port)]
        self.start("moto", command, port)
        url = f"http://127.0.0.1:{port}"
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test-secret"}
        client = boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        )
        client.create_bucket(Bucket="packets")
        for path in pathlib.Path(folder).rglob("*"):
            if path.is_file():
                client.upload_file(str(path), "packets", f"edge/{path.relative_to(folder)}")
        # Sail's name, and that of everybody else.
        return {**keys, "AWS_REGION": "us-east-1", "AWS_ENDPOINT": url, "AWS_ENDPOINT_URL_S3": url, "AWS_ALLOW_HTTP": "true"}

    def sail(self, environment):
        """Sail with four workers. Gives its URL."""
        port = free_port()
        command = [f"{os.path.dirname(sys.executable)}/sail", "spark", "server", "--ip", "127.0.0.1", "--port", str(port)]
        workers = {"SAIL_MODE": "local-cluster", "SAIL_CLUSTER__WORKER_INITIAL_COUNT": "4", "SAIL_CLUSTER__WORKER_MAX_COUNT": "4"}
        self.start("sail", command, port, **workers, **environment)
        return f"sc://127.0.0.1:{port}"
