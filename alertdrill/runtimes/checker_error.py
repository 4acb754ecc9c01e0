"""What a checking program says is wrong."""

from __future__ import annotations


def checker_error(output: str) -> str:
    """Return the lines of a checker's output that say what is wrong, as one line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if any(word in line.lower() for word in ERROR_WORDS)]
    # What comes after it belongs to it: some say which file, and only then what is wrong.
    begin = lines.index(telling[0]) if telling else 0
    return " ".join(lines[begin : begin + 3]) or "its checker gave no reason."


# How the programs begin to say what is wrong. A name alone won't do: paths may hold `alert`.
ERROR_WORDS = ("error", "failed", "[alert]", "unknown", "invalid", "could not", "cannot")
