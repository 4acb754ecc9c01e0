"""`python -m alertdrill`: the command line."""

import sys

from .errors import AlertdrillError

try:
    # What is wrong with `apps/services.yml` shows at once: every command goes by it.
    from .cli import main
except AlertdrillError as error:
    sys.exit(f"✗ {error}")

main()
