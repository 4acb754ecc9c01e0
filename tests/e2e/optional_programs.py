"""The programs that a host may lack, and a marker for the tests that need them."""

import shutil

import pytest

from alertdrill.toolchain.cache import default_cache
from alertdrill.toolchain.find import resolve_programs
from alertdrill.toolchain.programs import PROGRAMS

_specs = [program for program in PROGRAMS if program.name == "otelcol"]
_programs = resolve_programs(_specs, default_cache(), lambda _: None).programs
# On the PATH, or built by `alertdrill build-collector`.
COLLECTOR = str(_programs["otelcol"].path) if "otelcol" in _programs else None
LOKI = shutil.which("loki")

needs_loki_and_collector = pytest.mark.skipif(
    not (LOKI and COLLECTOR), reason="Loki and a collector are not on this machine"
)
