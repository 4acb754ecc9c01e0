"""Unpack parts of the development suite's Docker: `install_docker.py plugins|engine FOLDER`.

The plugins are Compose and buildx. The engine comes with its command line and containerd, not runc.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from alertdrill.toolchain.apt import fetch
from alertdrill.toolchain.programs import Package, Suite

# Packages, and which of their files are copied.
PARTS = {
    "plugins": {
        "docker-compose": "usr/libexec/docker/cli-plugins/docker-*",
        "docker-buildx": "usr/libexec/docker/cli-plugins/docker-*",
    },
    "engine": {
        "docker.io": "usr/sbin/docker*",
        "docker-cli": "usr/bin/docker",
        "containerd": "usr/bin/containerd*",
    },
}


def main(part: str, target: Path) -> None:
    """Fetch the packages of a part, and put their programs into a folder."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        fetch([Package(name, Suite.DEVELOPMENT) for name in PARTS[part]], Path(folder))
        for name, files in PARTS[part].items():
            for program in (Path(folder) / name).glob(files):
                shutil.copy(program, target)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
