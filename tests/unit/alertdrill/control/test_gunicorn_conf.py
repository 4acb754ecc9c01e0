import os
import subprocess
import sys
from pathlib import Path

from alertdrill.config import ROOT

CONFIGURATION = "alertdrill/control/gunicorn_conf.py"


def test_gunicorn_accepts_the_configuration(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("the-token-of-the-control-api\n")
    more = {"CONTROL_TOKEN_FILE": str(token), "RUNTIME": "native", "ALERTDRILL_HOME": str(tmp_path)}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "gunicorn", "--print-config"),
            *("-c", CONFIGURATION, "alertdrill.control.app:serve()"),
        ],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOST": "127.0.0.7", "PORT": "8123", **more},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    shown = dict(
        line.split("=", 1) for line in done.stdout.replace(" ", "").splitlines() if "=" in line
    )
    assert shown["bind"] == "['127.0.0.7:8123']"
    assert (shown["workers"], shown["worker_class"], shown["threads"]) == ("1", "gthread", "8")
