"""The health check of a container: is this instance ready?

Run by its path, as `python -I -S apps/telemetry/probe.py`: without the rest of the package it takes
some 20 ms, and images need neither a shell nor curl.
"""

import os
import socket
import sys

# Below the check's own timeout (3 s), so that it is us who says what was wrong.
TIMEOUT = 2.0


def ready(port: int) -> bool:
    """Tell whether /readyz on the loopback answers 200."""
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT) as connection:
            connection.sendall(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return connection.recv(64).split(b" ")[1:2] == [b"200"]
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(0 if ready(int(os.environ.get("PORT", "5000"))) else 1)
