"""One whole stack for all tests that need any: on ports of its own, in a folder of its own."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stack import Stack, environment, free_ports, leftovers, poll_until

# In a shell's background Ctrl-C is ignored, and whatever is started there would ignore it too.
signal.signal(signal.SIGINT, signal.default_int_handler)
HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what is about the other runtime; with loadgroup, start the shared stack once."""
    other = "native" if os.environ.get("RUNTIME") == "compose" else "containers"
    deselected = [item for item in items if item.get_closest_marker(other)]
    items[:] = [item for item in items if item not in deselected]
    config.hook.pytest_deselected(items=deselected)
    for item in items:
        if item.path.is_relative_to(HERE):
            # `fixturenames` has those of fixtures too.
            shared = "shared_stack" in getattr(item, "fixturenames", ())
            group = "shared stack" if shared else item.path.stem
            item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start a stack once for all tests; a test that breaks something restores it."""
    home = tmp_path_factory.mktemp("stack")
    stack = Stack(environment(home, free_ports()), home)
    try:
        stack.alertdrill("up")
        poll_until(stack.scrapes_everything, "every instance to be scraped", 30)
        yield stack
    finally:
        stack.alertdrill("down")
    left = leftovers(stack)
    assert not left, f"`down` left something running: {left}"


@pytest.fixture(scope="session")
def stack(shared_stack: Stack) -> Stack:
    """Return the shared stack; modules that need another one override this."""
    return shared_stack
