"""Find the programs of the native runtime, or fetch them without root.

Standard library only: the bootstrap uses this package before a virtual environment exists.
"""

from alertdrill.toolchain.errors import ProgramMissingError
from alertdrill.toolchain.package_cache import default_cache
from alertdrill.toolchain.resolve import Program, ResolvedPrograms, resolve_programs
from alertdrill.toolchain.specs import DATA_FOLDER, PROGRAMS, PUSHGATEWAY, ProgramSpec

__all__ = [
    "DATA_FOLDER",
    "PROGRAMS",
    "PUSHGATEWAY",
    "Program",
    "ProgramMissingError",
    "ProgramSpec",
    "ResolvedPrograms",
    "default_cache",
    "resolve_programs",
]
