"""The command line, as `alertdrill` or `python -m alertdrill`."""

from .interrupts import exit_on_interrupt


def main() -> None:
    """Run the command line."""
    exit_on_interrupt()
    # Only then, because the import takes a part of a second.
    from .cli.app import main as command  # noqa: PLC0415

    try:
        command(prog_name="alertdrill")
    finally:
        exit_on_interrupt()


if __name__ == "__main__":
    main()
