"""The facts that everything else reads: settings, services, components; and how files are read."""

from pathlib import Path

# The repository.
ROOT = Path(__file__).resolve().parents[2]
