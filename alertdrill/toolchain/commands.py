"""Find commands and run them; an error has their reason."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from alertdrill.errors import AlertdrillError

# Servers are installed here, and not every user's PATH has these.
SBIN_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
TIMEOUT_S = 600  # enough for 150 MB of packages at 2 Mbit/s
_NO_NETWORK = re.compile(
    r"Temporary failure resolving|Could not resolve|Network is unreachable|Could not connect"
    r"|Unable to connect|connection timed out",
    re.IGNORECASE,
)
# Summaries without a reason; the lines above them have it.
_NO_REASON = re.compile(
    r"exit status|Usage:|-|E: (Some index files failed|Unable to fetch some archives)"
)


class CommandError(AlertdrillError):
    """A command failed or is missing; the text is the reason, for use inside a sentence."""


def find_command(name: str) -> str | None:
    """Return the path of a command on the PATH or in the sbin folders."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *SBIN_FOLDERS))
    return shutil.which(name, path=path)


def run(
    *command: str, cwd: Path | None = None, timeout: float = TIMEOUT_S, **environment: str
) -> str:
    """Run a command by its name and return its output; raise `CommandError` with the reason."""
    name, *arguments = command
    path = find_command(name)
    if path is None:
        raise CommandError(f"{name} is not on this machine")
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments, no shell
            [path, *arguments],
            cwd=cwd,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"{name} did not end within {timeout:g} seconds") from error
    except OSError as error:
        raise CommandError(f"{name} does not run: {error.strerror}") from error
    if done.returncode != 0:
        raise CommandError(failure_reason(name, done.stderr, done.stdout))
    return done.stdout


def failure_reason(name: str, *outputs: str) -> str:
    """Return the last line with a reason: apt's, one of an error, or any.

    It is one of the first output that has a reason.
    """
    for output in outputs:
        if reason := _reason(name, output):
            return reason
    return f"{name} failed without a message"


def _reason(name: str, output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    # BuildKit puts its own words before apt's line.
    apts = [match[0] for line in lines if (match := re.search(r"(?<!\S)E: .*", line))]
    errors = [line for line in lines if "error" in line.lower()]
    for candidates in (apts, errors, lines):
        if reasons := [line for line in candidates if not _NO_REASON.match(line)]:
            reason = reasons[-1].removeprefix("E: ").removeprefix(f"{name}: ")
            return f"no network ({reason})" if _NO_NETWORK.search(reason) else f"{name}: {reason}"
    return ""
