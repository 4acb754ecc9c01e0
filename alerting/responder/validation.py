"""Validate what comes from outside with pydantic; an error names the member and its value."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import orjson
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from .errors import InvalidRequestError

RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", flags=re.ASCII
)


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def parse_rfc3339(text: object) -> datetime:
    """Return a timestamp in UTC with microseconds; raise `ValueError` if it is invalid."""
    if not isinstance(text, str) or not RFC_3339.fullmatch(text):
        raise ValueError("it must be an RFC 3339 timestamp")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    # Month 13, for example; or the first hours of year 1 east of Greenwich: year 0 in UTC.
    except (ValueError, OverflowError):
        raise ValueError("it must be a timestamp in the calendar's range") from None


def format_rfc3339(time: datetime) -> str:
    """Return text of a fixed width, in UTC with milliseconds: texts sort in the order of time."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Timestamp = Annotated[datetime, BeforeValidator(parse_rfc3339)]
NonEmpty = Annotated[str, StringConstraints(min_length=1)]


class Body(BaseModel):
    """A JSON object of a request; members that it does not have are ignored."""

    model_config = ConfigDict(strict=True, frozen=True, validate_by_name=True)


class ClosedModel(BaseModel):
    """A mapping without other keys, whose values may come as texts."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    @classmethod
    def known_keys(cls, _data: Mapping[str, object]) -> list[str]:
        """Return the keys that a mapping may have."""
        return list(cls.model_fields)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, data: Any) -> Any:
        keys = cls.known_keys(data) if isinstance(data, Mapping) else []
        for key in data if keys else ():
            if key not in keys:
                context = {"key": key, "keys": ", ".join(keys)}
                message = "unknown key, known keys are {keys}"
                raise PydanticCustomError("unknown_key", message, context)
        return data


M = TypeVar("M", bound=BaseModel)


def parse_body(model: type[M], body: bytes) -> M:
    """Return the model in a JSON body; raise `InvalidRequestError` otherwise."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequestError("body", f"The body must be JSON: {error}.") from None
    return validate(model, document)


def validate(model: type[M], document: object) -> M:
    """Return a decoded body or query as a model; raise `InvalidRequestError` otherwise."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        path, message = first_error(error)
        raise InvalidRequestError(path_text(path) or "body", message) from None


def first_error(error: ValidationError) -> tuple[list[str | int], str]:
    """Return the path of the first bad value, and the sentence that says what is wrong with it."""
    first = error.errors(include_url=False)[0]
    path, context = [step for step in first["loc"] if step != "[key]"], first.get("ctx", {})
    reason, value = str(context.get("error", first["msg"])), first["input"]
    if first["type"] == "unknown_key":
        path, value = [*path, context["key"]], None
    shown = isinstance(value, str | int | float) and value != ""
    name = path_text(path) or "the document"
    return path, f"{name} is {reprlib.repr(value)}: {reason}." if shown else f"{name}: {reason}."


def path_text(path: list[str | int]) -> str:
    """Return the path of a member as text, such as `alerts[2].labels.service`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")
