"""Health check by the age of a heartbeat file; run by path, so that it starts in milliseconds."""

import os
import sys
import time

# The program touches the file every two seconds.
MAX_AGE_S = 10.0

if __name__ == "__main__":
    try:
        age = time.time() - os.stat(os.environ.get("ALIVE", "/tmp/alive")).st_mtime  # noqa: PTH116, S108
    except OSError:
        sys.exit(1)
    sys.exit(0 if age < MAX_AGE_S else 1)
