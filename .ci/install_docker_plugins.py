"""Unpack Docker's Compose and buildx from the development suite, as this user's plugins."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from alertdrill.toolchain.apt import PrivateApt, unpack
from alertdrill.toolchain.package_cache import default_search_path
from alertdrill.toolchain.specs import Suite

PACKAGES = ("docker-compose", "docker-buildx")
PLUGINS = Path.home() / ".docker" / "cli-plugins"


def main() -> None:
    """Fetch both, and put their programs where docker looks for them."""
    search_path = default_search_path(os.environ)
    PLUGINS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        apt = PrivateApt(Path(folder) / "apt", Suite.DEVELOPMENT, search_path)
        apt.update()
        for deb in apt.download(PACKAGES):
            unpack(deb, Path(folder) / "unpacked", search_path)
        for program in Path(folder).glob("unpacked/usr/libexec/docker/cli-plugins/docker-*"):
            shutil.copy(program, PLUGINS)


if __name__ == "__main__":
    main()
