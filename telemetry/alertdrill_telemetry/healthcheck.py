"""The health check of a container: exit with 0 if the instance is ready, otherwise with 1.

It connects to `OPS_PORT`, or to `PORT` without one.

Run it by its path, as in `python -I -S alertdrill_telemetry/healthcheck.py`. Without the rest of
the package it takes about 20 ms, and images need neither a shell nor curl.
"""

import os
import socket
import sys

# Below the timeout of the health check (3 s), so that this program fails first.
TIMEOUT_S = 2.0


def ready(port: int) -> bool:
    """Return whether /readyz on the loopback answers 200."""
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
            connection.sendall(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return connection.recv(64).split(b" ")[1:2] == [b"200"]
    except OSError:
        return False


if __name__ == "__main__":
    own = int(os.environ.get("OPS_PORT") or 0)
    sys.exit(0 if ready(own or int(os.environ.get("PORT") or 5000)) else 1)
