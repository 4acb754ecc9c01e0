"""`python -m firedrill`: the command line."""

import sys

from .errors import FiredrillError

try:
    # What is wrong with `apps/services.yml` shows at once: every command goes by it.
    from .cli import main
except FiredrillError as error:
    sys.exit(f"✗ {error}")

main()
