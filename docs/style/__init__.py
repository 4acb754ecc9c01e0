"""Checks the words of code and docs against a word list: `python -m docs.style`."""
