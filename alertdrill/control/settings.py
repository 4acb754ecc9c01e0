"""Settings of the control API."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..config import settings as stack_settings
from ..config.settings import IN_NETWORK, SettingsError, StackSettings

# Like the other tokens: too long to guess over a network, short enough to copy.
MIN_TOKEN_LENGTH = 16
# Two by default; this many names are tried.
MAX_REPLICAS = 8


@dataclass(frozen=True)
class ControlSettings:
    """The token that clients send, the stack to control, and the folder that replicas share."""

    token: str
    stack: StackSettings
    state: Path

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> ControlSettings:
        """Read the environment; raise `SettingsError` naming a bad variable."""
        file = environ.get("CONTROL_STACK", "")
        stack = _read_stack(file) if file else stack_settings.load(environ)
        file = environ.get("CONTROL_TOKEN_FILE", "")
        token = _read("CONTROL_TOKEN_FILE", file).strip()
        if len(token) < MIN_TOKEN_LENGTH:
            raise SettingsError(
                f"CONTROL_TOKEN_FILE is {file!r}: the token in it needs"
                f" {MIN_TOKEN_LENGTH} characters or more."
            )
        state = environ.get("CONTROL_STATE", "") or stack.home / "control"
        return cls(token, stack, Path(state))


def _read_stack(file: str) -> StackSettings:
    try:
        return StackSettings.from_dict(json.loads(_read("CONTROL_STACK", file)))
    except ValueError as error:
        raise SettingsError(
            f"CONTROL_STACK is {file!r}, which holds no stack settings: start the stack again."
        ) from error


def _read(variable: str, file: str) -> str:
    if not file:
        raise SettingsError(f"{variable} is not set: set it to the path of a file.")
    try:
        return Path(file).read_text()
    except OSError as error:
        raise SettingsError(
            f"{variable} is {file!r}, which can't be read: {error.strerror}."
        ) from None


def bind_addresses(environ: Mapping[str, str]) -> Sequence[str]:
    """Return each ADDRESS:PORT to listen on: HOST has one name or more, separated by commas."""
    hosts, port = environ.get("HOST", "127.0.0.1"), environ.get("PORT", "8091")
    addresses = [address for name in hosts.split(",") for address in _own_addresses(name)]
    if not addresses:
        raise SettingsError(f"HOST is {hosts!r}, which is no address of this host.")
    return [f"{address}:{port}" for address in dict.fromkeys(addresses)]


def instance_name(environ: Mapping[str, str]) -> str:
    """Return INSTANCE; or, in a stack's network, the name of this replica by its own address.

    The engine's name server knows each replica as PROJECT-control-NUMBER.
    """
    if name := environ.get("INSTANCE"):
        return name
    if environ.get("RUNTIME") == IN_NETWORK:
        project = environ.get("PROJECT", "alertdrill")
        for number in range(1, MAX_REPLICAS + 1):
            if _own_addresses(f"{project}-control-{number}"):
                return f"control-{number}"
    return "control-1"


def _own_addresses(name: str) -> Sequence[str]:
    """Return the addresses of a name that are this host's.

    All replicas share an alias: its name has the addresses of each.
    """
    own: list[str] = []
    with suppress(OSError):  # no such replica
        for entry in socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM):
            with suppress(OSError), socket.socket() as listener:  # another replica's
                listener.bind((entry[4][0], 0))
                own.append(str(entry[4][0]))
    return own
