"""The command line, as `alertdrill` or `python -m alertdrill`."""

from .cli.app import main as command


def main() -> None:
    """Run the command line."""
    command(prog_name="alertdrill")


if __name__ == "__main__":
    main()
