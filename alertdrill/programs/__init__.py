"""Find the programs that the native runtime runs, or fetch them without root.

Standard library only: the bootstrap uses this package before a virtual environment exists.
"""

from alertdrill.programs.catalogue import CATALOGUE, FILES, PUSHGATEWAY, Wanted
from alertdrill.programs.errors import ProgramMissingError
from alertdrill.programs.locate import Located, Program, locate
from alertdrill.programs.store import default_cache

__all__ = [
    "CATALOGUE",
    "FILES",
    "PUSHGATEWAY",
    "Located",
    "Program",
    "ProgramMissingError",
    "Wanted",
    "default_cache",
    "locate",
]
