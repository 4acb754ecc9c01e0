"""The endpoint `/faults`: switch faults on and off, and list them. It requires the token."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Iterable

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from ..errors import FaultError
from ..problems import Problem
from .background_faults import BackgroundFaults
from .kinds import KINDS, Fault, parse_fault
from .state import FaultState

logger = logging.getLogger("faults")


def blueprint(state: FaultState, background: BackgroundFaults, token: str) -> Blueprint:
    """Return the routes; each requires `Authorization: Bearer <token>`."""
    routes = Blueprint("faults", __name__, url_prefix="/faults")

    @routes.before_request
    def authorize() -> None:
        sent = request.headers.get("Authorization", "")
        if not hmac.compare_digest(sent.encode(), f"Bearer {token}".encode()):
            raise Problem(
                401,
                "Send the fault token as `Authorization: Bearer TOKEN`.",
                headers={"WWW-Authenticate": 'Bearer realm="faults"'},
            )

    @routes.get("")
    def status() -> ResponseReturnValue:
        return {"faults": [_describe(state, kind) for kind in KINDS]}

    @routes.get("/<kind>")
    def status_of_kind(kind: str) -> ResponseReturnValue:
        return _describe(state, _require_kind(kind))

    @routes.put("/<kind>")
    def enable(kind: str) -> ResponseReturnValue:
        state.enable(_parse_request(kind))
        background.update_gauge()
        logger.warning("Fault %s is on", kind, extra={"fault": _describe(state, kind)})
        return _describe(state, kind)

    @routes.delete("/<kind>")
    def disable(kind: str) -> ResponseReturnValue:
        _disable(state, [_require_kind(kind)])
        background.update_gauge()
        return _describe(state, kind)

    @routes.delete("")
    def disable_all() -> ResponseReturnValue:
        _disable(state, KINDS)
        background.update_gauge()
        return status()

    return routes


def _parse_request(kind: str) -> Fault:
    _require_kind(kind)
    body = request.get_json() if request.get_data() else {}
    try:
        return parse_fault(kind, body)
    except FaultError as error:
        raise Problem(422, str(error)) from error


def _require_kind(kind: str) -> str:
    if kind not in KINDS:
        raise Problem(404, f"Unknown fault {kind!r}: known faults are {', '.join(KINDS)}.")
    return kind


def _disable(state: FaultState, kinds: Iterable[str]) -> None:
    for kind in kinds:
        if state.remaining(kind):
            logger.warning("Fault %s is off", kind)
        state.disable(kind)


def _describe(state: FaultState, kind: str) -> dict[str, object]:
    fault = state.active(kind)
    return {
        "kind": kind,
        "description": KINDS[kind].description,
        "active": fault is not None,
        "remaining_seconds": round(state.remaining(kind), 3),
        "probability": fault.probability if fault else None,
        "parameters": fault.parameters if fault else None,
        "accepts": {
            name: {"unit": parameter.unit, "default": parameter.default}
            for name, parameter in KINDS[kind].parameters.items()
        },
    }
