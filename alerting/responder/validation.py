"""Validate what comes from outside: timestamps, JSON bodies, and the words for what is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from .errors import MalformedBodyError

RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", flags=re.ASCII
)
# What is wrong, by the type of pydantic's error, with the error's context.
PROBLEMS = {
    "missing": "is missing",
    "string_type": "must be a string",
    "string_too_short": "must be a non-empty string",
    "literal_error": "must be one of {expected}",
    "model_type": "must be a JSON object",
    "model_attributes_type": "must be a JSON object",
    "dict_type": "must be a JSON object",
    "list_type": "must be a non-empty list",
    "too_short": "must be a non-empty list",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number",
    "bool_parsing": "must be true or false",
    "greater_than": "must be a number above {gt:g}",
    "greater_than_equal": "must be a number of {ge:g} or more",
    "value_error": "{error}",
}


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def parse_rfc3339(text: str) -> datetime:
    """Return a timestamp in UTC with microseconds; raise `ValueError` if it is invalid."""
    if not RFC_3339.fullmatch(text):
        raise ValueError(f"{text!r} is not an RFC 3339 timestamp")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    # Month 13, for example; or the first hours of year 1 east of Greenwich: year 0 in UTC.
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is out of the calendar's range") from None


def format_rfc3339(time: datetime) -> str:
    """Return text of a fixed width, in UTC with milliseconds: texts sort in the order of time."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _timestamp(value: object) -> datetime:
    try:
        return parse_rfc3339(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError("must be an RFC 3339 timestamp") from None


Timestamp = Annotated[datetime, BeforeValidator(_timestamp)]
NonEmpty = Annotated[str, StringConstraints(min_length=1)]


class Body(BaseModel):
    """A JSON object in the body of a request; members that it does not have are ignored."""

    model_config = ConfigDict(strict=True, frozen=True, validate_by_name=True)


B = TypeVar("B", bound=Body)


def parse_body(model: type[B], body: bytes) -> B:
    """Return a body; raise `MalformedBodyError`, naming the bad field."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedBodyError("body", f"must be JSON: {error}.") from None
    return validate_body(model, document)


def validate_body(model: type[B], document: object) -> B:
    """Return a decoded body; raise `MalformedBodyError`, naming the bad field."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise MalformedBodyError(_path(location(first)), f"{problem(first)}.") from None


def member_error(member: str | int, message: str, **context: Any) -> PydanticCustomError:
    """Return the error of a member of the value that a validator has."""
    return PydanticCustomError("member", message, {"member": member, **context})


def location(error: ErrorDetails) -> list[str | int]:
    """Return the keys and indices that lead to the bad value."""
    path = [step for step in error["loc"] if step != "[key]"]
    if error["type"] == "member":
        path.append(error["ctx"]["member"])
    return path


def problem(error: ErrorDetails) -> str:
    """Return what is wrong with the value, and what would be right."""
    context: Mapping[str, Any] = error.get("ctx", {})
    if error["type"] == "literal_error":
        choices = ", ".join(re.findall("'([^']*)'", context["expected"]))
        if "[key]" in error["loc"]:
            return f"is unknown: known are {choices}"
        context = {"expected": choices}
    template = PROBLEMS.get(error["type"])
    return template.format(**context) if template else error["msg"]


def _path(steps: list[str | int]) -> str:
    """Return the path of a member, such as `alerts[2].labels.service`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.removeprefix(".") or "body"
