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
# Of an answer that is printed.
MAX_BYTES = 4096


def ready(port: int) -> bool:
    """Return whether /readyz on the loopback answers 200; print any other answer."""
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
            connection.sendall(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            answer = connection.recv(MAX_BYTES)
            if answer.split(b" ")[1:2] == [b"200"]:
                return True
            while len(answer) < MAX_BYTES and (more := connection.recv(MAX_BYTES)):
                answer += more
    except OSError as error:
        print(f"/readyz does not answer: {error}")  # noqa: T201
        return False
    head, _, body = answer.decode(errors="replace").partition("\r\n\r\n")
    status = head.partition("\r\n")[0].partition(" ")[2]
    print(f"/readyz answers {status}: {body}")  # noqa: T201
    return False


if __name__ == "__main__":
    own = int(os.environ.get("OPS_PORT") or 0)
    sys.exit(0 if ready(own or int(os.environ.get("PORT") or 5000)) else 1)
