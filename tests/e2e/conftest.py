"""One stack for all tests that need one, with its own ports and folder."""

import os
from collections.abc import Iterator

import pytest

from tests.conftest import SHARED_STACK
from tests.e2e.stack import Stack, running_stack


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that are about the other runtime.

    Raises UsageError if a file uses the shared stack and tests/conftest.py does not know it.
    """
    other = "native" if os.environ.get("RUNTIME") == "compose" else "containers"
    deselected = [item for item in items if item.get_closest_marker(other)]
    items[:] = [item for item in items if not item.get_closest_marker(other)]
    config.hook.pytest_deselected(items=deselected)
    # `fixturenames` has those of fixtures too.
    users = {
        item.path.stem for item in items if "shared_stack" in getattr(item, "fixturenames", ())
    }
    if unknown := users - set(SHARED_STACK):
        raise pytest.UsageError(f"SHARED_STACK of tests/conftest.py lacks {', '.join(unknown)}.")


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start a stack once for all tests; a test that breaks something restores it."""
    with running_stack(tmp_path_factory.mktemp("stack")) as stack:
        yield stack


@pytest.fixture(scope="session")
def stack(shared_stack: Stack) -> Stack:
    """Return the shared stack; modules that need another one override this."""
    return shared_stack
