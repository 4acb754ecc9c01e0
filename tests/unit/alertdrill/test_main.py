import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from alertdrill.bootstrap import write_script
from alertdrill.config import ROOT


@pytest.mark.parametrize("command", ["status", "check"])
def test_invalid_service_list_prints_one_error(tmp_path: Path, command: str) -> None:
    shutil.copytree(ROOT / "alertdrill", tmp_path / "alertdrill")
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps/services.yml").write_text("web: {port: 1}\n")
    result = subprocess.run(
        [sys.executable, "-m", "alertdrill", command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert (
        result.stderr
        == "✗ apps/services.yml:1: port is '1': it should be greater than or equal to 5000.\n"
    )


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """Return the console script, as `make` installs it."""
    script = tmp_path / "alertdrill"
    script.touch(0o755)
    write_script(script, Path(sys.executable))
    if not script.read_text():
        pytest.skip("`env` of this machine can't block signals")
    return script


def test_script_works_in_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to(sys.executable)
    script = tmp_path / "bin/alertdrill"
    script.touch(0o755)
    monkeypatch.chdir(tmp_path)
    write_script(Path("bin/alertdrill"), Path("bin/python"))  # as the Makefile names them
    if not script.read_text():
        pytest.skip("`env` of this machine can't block signals")
    done = subprocess.run(
        [script, "--version"],
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


# The last ones are after the start of Python and after the imports, as the machine allows.
@pytest.mark.parametrize("seconds", [0.05, 0.1, 0.2, 0.4, 0.7, 1.0])
def test_interrupt_at_any_moment_prints_one_line(
    script: Path, tmp_path: Path, seconds: float
) -> None:
    process = subprocess.Popen(
        [script, "doctor"],
        env={**os.environ, "ALERTDRILL_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    if seconds <= 0.1 or process.returncode not in (0, 1):  # doctor takes longer than that
        # A shell shows 130 for -SIGINT too. Python ends so, whatever its exit code, if the signal
        # came within `exec` of a string, as in the import of a dataclass. A busy machine may take
        # that long to start `env`; until then the signal ends the shell, without a line.
        assert (process.returncode, error.split()) in (
            (130, ["Interrupted."]),
            (-signal.SIGINT, ["Interrupted."]),
            (-signal.SIGINT, []),
        )
    assert "Traceback" not in error


def test_background_job_of_a_script_ignores_interrupts(script: Path) -> None:
    command = ["sh", "-c", 'trap "" INT; echo; exec "$1" --version', "sh", str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()  # the trap is set
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def test_no_module_of_the_current_folder_is_imported(script: Path, tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise SystemExit('imported')")
    result = subprocess.run([script, "--version"], cwd=tmp_path, capture_output=True, check=False)
    assert (result.returncode, b"alertdrill" in result.stdout) == (0, True)
