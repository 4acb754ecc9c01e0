"""Alertmanager's login: one user with a random password, and the files of all that use it.

Alertmanager sends it with its notifications, so that the responder accepts no others.
Alertmanager protects every path, its probes and metrics too, and no setting exempts one.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import bcrypt

from ..clients.alertmanager import USER
from .config_files import create_secret, write_atomically

# The files of the login, in one folder.
PASSWORD = "password"  # noqa: S105 - a file's name
# Alertmanager's own file, with the hash.
WEB_CONFIG = "web.yml"
# The credentials of an Authorization header, for Loki, which reads no password from a file.
CREDENTIALS = "credentials"
# For amtool's --http.config.file.
CLIENT_CONFIG = "amtool.yml"
# Beside the configurations that name the password: a link, since both runtimes use the same files.
# Prometheus sends it to Alertmanager, and Alertmanager to the responder.
LINKS = ("prometheus/alertmanager_password", "alertmanager/alertmanager_password")
# bcrypt's minimum. A higher cost protects short passwords from a search; this one has 256 random
# bits. Alertmanager keeps the results of a hundred comparisons. A new one takes a millisecond, at
# the usual cost (10) fifty, and the next one waits for it.
BCRYPT_COST = 4


def write_login(folder: Path, etc: Path, mode: int) -> None:
    """Write the files of the login into a folder, and link the password below `etc`.

    The password stays as it is; the others follow it. Alertmanager reads its file for each request.
    """
    password = create_secret(folder / PASSWORD, mode)
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(BCRYPT_COST)).decode()
    basic_auth = {"username": USER, "password_file": str(folder / PASSWORD)}
    files = {
        WEB_CONFIG: _yaml({"basic_auth_users": {USER: hashed}}),
        CREDENTIALS: base64.b64encode(f"{USER}:{password}".encode()).decode(),
        CLIENT_CONFIG: _yaml({"basic_auth": basic_auth}),
    }
    for name, text in files.items():
        write_atomically(folder / name, text, mode)
    for name in LINKS:
        link = etc / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(folder / PASSWORD)


def _yaml(document: object) -> str:
    """Return a document as JSON, which is YAML."""
    return json.dumps(document) + "\n"
