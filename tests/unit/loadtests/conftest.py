"""Import Locust as a library: it would change the sockets and locks of the whole test run."""

import pytest

with pytest.MonkeyPatch.context() as patch:
    patch.setenv("LOCUST_SKIP_MONKEY_PATCH", "1")
    import locust  # noqa: F401 - from here on it is imported
