"""How made-up examples are tried here."""

from hypothesis import settings

# No deadline: a busy machine is slow now and then. No database: nothing is written beside the code.
# 50 examples take two seconds, and the committed files are tried at three speeds beside them.
settings.register_profile("rehearsal", deadline=None, database=None, max_examples=50)
settings.load_profile("rehearsal")
