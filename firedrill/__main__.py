"""`python -m firedrill`: the command line."""

from .cli import main

main()
