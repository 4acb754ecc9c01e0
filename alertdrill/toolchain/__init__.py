"""Find the programs of the native runtime, or fetch them without root.

Standard library only: the bootstrap uses this package before a virtual environment exists.
"""
