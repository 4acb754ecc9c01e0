"""Which of the programs that a host may lack are here, and the tests that need them."""

import os
import shutil

import pytest

from alertdrill.programs import CATALOGUE, default_cache, locate

_wanted = [program for program in CATALOGUE if program.name == "otelcol"]
_found = locate(_wanted, default_cache(os.environ), lambda _: None).programs
# On the PATH, or built by `alertdrill tools`.
COLLECTOR = str(_found["otelcol"].path) if "otelcol" in _found else None
LOKI = shutil.which("loki")

needs_loki_and_collector = pytest.mark.skipif(
    not (LOKI and COLLECTOR), reason="loki and a collector are not here"
)
