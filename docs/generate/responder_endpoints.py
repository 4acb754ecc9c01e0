"""The responder's endpoints: method, path, token, body, answer and status codes."""

from __future__ import annotations

import atexit
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from flask import Flask

from alerting.responder import create_app
from alerting.responder.settings import ResponderSettings

from .errors import GenerateError
from .markdown import code, document, table

ENDPOINTS = Path(__file__).with_name("responder_endpoints.yml")
COLUMNS = ("Endpoint", "Meaning", "Query or body", "Answer", "Token", "Status")
# Flask adds it to every application; the responder has no static files.
NOT_OURS = "static"


def page() -> str:
    """Return the page."""
    groups = yaml.safe_load(ENDPOINTS.read_text(encoding="utf-8"))
    meanings = _meanings()
    described = {name: entry for group in groups for name, entry in group["endpoints"].items()}
    if described.keys() != meanings.keys():
        raise GenerateError(
            f"{ENDPOINTS.name} and the responder differ in"
            f" {sorted(described.keys() ^ meanings.keys())}."
        )
    return document(
        "The responder's endpoints",
        "The responder listens on port 8090 (`RESPONDER_PORT`). Endpoints with a token need the"
        " header `Authorization: Bearer TOKEN` with the responder's token"
        " ([control healing](../how-to/control-healing.md) shows where it is): without it they"
        " answer 401, and 403 if the responder has no token.",
        "Lists have the newest entry first, and up to 100 entries unless `limit` is another number"
        " up to 1000. An error is `application/problem+json` (RFC 9457): `detail` says what to do,"
        " `field` names the bad field or parameter. 503 comes with `Retry-After` while the database"
        " fails; 413 means that the body is too large.",
        *_sections(groups, meanings),
    )


def _sections(groups: Sequence[Mapping[str, Any]], meanings: Mapping[str, str]) -> Iterator[str]:
    for group in groups:
        yield f"## {group['title']}"
        if "port" in group:
            yield f"These have a port of their own: {group['port']} (`{group['variable']}`)."
        yield table(
            COLUMNS,
            (
                (
                    code(name),
                    meanings[name] or entry["meaning"],
                    entry.get("body", ""),
                    entry["answer"],
                    "yes" if entry.get("token") else "",
                    ", ".join(map(str, entry["statuses"])),
                )
                for name, entry in group["endpoints"].items()
            ),
        )


def _meanings() -> Mapping[str, str]:
    """Return the first line of each endpoint's docstring, by method and path."""
    folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    atexit.register(folder.cleanup)  # the responder's threads use the database until the end
    app = create_app(ResponderSettings(database=Path(folder.name) / "responder.db"))
    return {
        f"{method} {path(rule.rule)}": _first_line(part, rule.endpoint)
        for part in (app, app.extensions["telemetry"].operations)
        for rule in part.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        if rule.endpoint != NOT_OURS
    }


def _first_line(app: Flask, endpoint: str) -> str:
    lines = (app.view_functions[endpoint].__doc__ or "").splitlines()
    return lines[0] if lines else ""


def path(rule: str) -> str:
    """Return the path of a routing rule, with its variables in capitals.

    `/actions/<int:action_id>` is `/actions/ID`.
    """
    return re.sub(r"<[^>]*?(?:\w+_)?([a-z]+)>", lambda match: match[1].upper(), rule)
