"""Writes docs/reference from code and data: `python -m docs.generate`, or `make docs`."""
