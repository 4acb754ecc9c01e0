"""A fake machine whose apt-get and dpkg work without a network."""

from pathlib import Path

import pytest

APT_GET = """\
#!/bin/sh
PATH=/usr/bin:/bin
echo "$*" >>"$FAKE/apt.log"
if [ -e "$FAKE/offline" ] && case "$*" in *update*) true;; *) false;; esac; then
    echo "E: Failed to fetch http://mirror.test/  Temporary failure resolving" >&2
    echo "E: Some index files failed to download." >&2
    exit 100
fi
case "$*" in
*\\ update) cp "$3" "${3%/*}"/sources/* "$FAKE";;
*--print-uris\\ promtool) ;;
*download-only*)
    archives=$(echo "$*" | sed 's/.*Archives=\\([^ ]*\\) .*/\\1/')
    touch "$archives/haproxy_2.6.12_amd64.deb" "$archives/liblua5.3-0_5.3_amd64.deb";;
*\\ download\\ *)
    for name in $(echo "$*" | sed 's/.* download //'); do touch "${name}_1_amd64.deb"; done;;
esac
"""
DPKG = """\
#!/bin/sh
PATH=/usr/bin:/bin
# dpkg -x DEB FOLDER
mkdir -p "$3/usr/bin" "$3/usr/sbin" "$3/usr/lib/x86_64-linux-gnu"
if [ -e "$FAKE/broken" ]; then echo "dpkg-deb: error: unexpected end of file" >&2; exit 2; fi
case "$2" in
*/liblua*) touch "$3/usr/lib/x86_64-linux-gnu/liblua5.3.so.0"; exit;;
*/prometheus_*) set -- "$3" prometheus 3.5.3;;
*/promtool_*) set -- "$3" promtool 3.5.3;;
*/haproxy_*) set -- "$3" haproxy 2.6.12;;
esac
printf '#!/bin/sh\\necho "%s, version %s"\\n' "$2" "$3" >"$1/usr/bin/$2"
chmod +x "$1/usr/bin/$2"
"""


class Machine:
    """A folder of commands and the calls of its apt-get."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.commands = folder / "bin"
        self.cache = folder / "cache"
        self.commands.mkdir()
        (folder / "sources.list").write_text("deb http://mirror.test/debian stable main\n")
        self.install("apt-get", APT_GET)
        self.install("dpkg", DPKG)

    def install(self, name: str, script: str) -> None:
        # A new file: a program that runs can't be overwritten.
        (self.commands / name).unlink(missing_ok=True)
        (self.commands / name).write_text(script)
        (self.commands / name).chmod(0o755)

    def install_program(self, name: str, version: str) -> None:
        self.install(name, f'#!/bin/sh\necho "{name}, version {version}"\n')

    def remove(self, name: str) -> None:
        (self.commands / name).unlink()

    def set(self, state: str) -> None:
        (self.folder / state).touch()

    def apt_calls(self) -> list[str]:
        log = self.folder / "apt.log"
        return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setenv("FAKE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr("alertdrill.toolchain.commands.SBIN_FOLDERS", ())
    monkeypatch.setattr("alertdrill.toolchain.apt.SOURCES", tmp_path)
    release = {"ID": "debian", "VERSION_CODENAME": "stable"}
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: release)
    return Machine(tmp_path)
