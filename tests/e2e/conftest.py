"""A whole stack of the test's own: on ports of its own, in a folder of its own."""

import signal
from collections.abc import Iterator

import pytest

from tests.e2e.stack import Stack, environment, free_ports, left_over, poll_until

# In a shell's background Ctrl-C is ignored, and whatever is started there would ignore it too.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start a stack once for all tests; whoever breaks something mends it again."""
    home = tmp_path_factory.mktemp("stack")
    made = Stack(environment(home, free_ports()), home)
    try:
        made.alertdrill("up")
        poll_until(made.scrapes_everything, "every instance to be scraped", 30)
        yield made
    finally:
        made.alertdrill("down")
    left = left_over(made)
    assert not left, f"`down` left something running: {left}"
