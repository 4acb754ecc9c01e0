"""Unpack Docker's Compose and buildx from the development suite, as this user's plugins."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from alertdrill.toolchain.apt import fetch
from alertdrill.toolchain.programs import Package, Suite

PACKAGES = ("docker-compose", "docker-buildx")
PLUGINS = Path.home() / ".docker" / "cli-plugins"


def main() -> None:
    """Fetch both, and put their programs where docker looks for them."""
    PLUGINS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        fetch([Package(name, Suite.DEVELOPMENT) for name in PACKAGES], Path(folder))
        for program in Path(folder).glob("*/usr/libexec/docker/cli-plugins/docker-*"):
            shutil.copy(program, PLUGINS)


if __name__ == "__main__":
    main()
