"""How many generated examples a test tries: few in the quick tier, many in `make verify`."""

import os

from hypothesis import settings

# No deadline: a busy machine is slow now and then. No database: nothing is written beside the code.
settings.register_profile("quick", deadline=None, database=None, max_examples=25)
settings.register_profile("thorough", deadline=None, database=None, max_examples=300)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
