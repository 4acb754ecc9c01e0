"""The command line, as `alertdrill` or `python -m alertdrill`."""

import sys

from .errors import AlertdrillError


def main() -> None:
    """Run the command line."""
    try:
        # Every command needs `apps/services.yml`: an error in it shows at once.
        from .cli.app import main as command  # noqa: PLC0415
    except AlertdrillError as error:
        sys.exit(f"✗ {error}")
    command(prog_name="alertdrill")


if __name__ == "__main__":
    main()
