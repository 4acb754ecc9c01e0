"""Parse a request body into records: a list of objects, `{"records": [...]}` or one object."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from .errors import InvalidRecordsError, MalformedJsonError

Record = dict[str, Any]
# A table with more is not for people. Each field's summary is ten times as long as a short field.
MAX_FIELDS = 1000
# A record, and each of its fields, takes about 100 bytes of memory, even if it is short.
MAX_RECORDS, MAX_CELLS = 50_000, 100_000
# The summary repeats the names, and JSON may write a character with six.
MAX_NAME_LENGTH = 100
# Deeper data is not a table. Python's parser fails at its recursion limit, around 1,000.
MAX_DEPTH = 32
# The name, in an error, of the object in a body that is not a list.
SINGLE_RECORD = "record"


class _NotFiniteError(ValueError):
    pass


def parse(body: bytes) -> list[Record]:
    """Return the records of a UTF-8 JSON body, in order.

    Raises `MalformedJsonError` if the body is not JSON (RFC 8259). Raises `InvalidRecordsError`,
    with the field, if it has no records or more than `MAX_RECORDS`, more than `MAX_FIELDS`
    different fields or `MAX_CELLS` values, a name longer than `MAX_NAME_LENGTH`, a value that is
    nested too deep, or a number that is not finite (NaN, Infinity, 1e999).
    """
    try:
        data = json.loads(body, parse_constant=_refuse_constant, parse_float=_finite)
    except _NotFiniteError as error:
        raise InvalidRecordsError("records", f"{error} is not a finite number.") from error
    except RecursionError as error:
        raise InvalidRecordsError("records", f"Nested deeper than {MAX_DEPTH} levels.") from error
    except ValueError as error:  # also UnicodeDecodeError and integers of over 4,300 digits
        raise MalformedJsonError(f"The body is not JSON: {error}.") from error
    records, field = _records(data)
    _limit(len(records), MAX_RECORDS, field, "records")
    names: set[str] = set()
    cells = 0
    for number, record in enumerate(records):
        _check(record, field if field == SINGLE_RECORD else f"{field}[{number}]")
        new = record.keys() - names
        _limit(max(map(len, new), default=0), MAX_NAME_LENGTH, field, "characters in a name")
        names |= new
        cells += len(record)
        _limit(len(names), MAX_FIELDS, field, "different fields")
        _limit(cells, MAX_CELLS, field, "values")
    return records


def _limit(count: int, limit: int, field: str, what: str) -> None:
    if count > limit:
        raise InvalidRecordsError(field, f"{field} has more than {limit} {what}.")


def _refuse_constant(name: str) -> NoReturn:
    raise _NotFiniteError(name)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _NotFiniteError(text)
    return number


def _records(data: Any) -> tuple[list[Any], str]:
    if isinstance(data, dict) and "records" in data:
        data, field = data["records"], "records"
    elif isinstance(data, dict):
        return [data], SINGLE_RECORD
    else:
        field = "body"
    if not isinstance(data, list):
        raise InvalidRecordsError(field, f"{field} must be a list of objects.")
    if not data:
        raise InvalidRecordsError(field, f"{field} is an empty list: send at least one object.")
    return data, field


def _check(record: Any, field: str) -> None:
    if not isinstance(record, dict):
        raise InvalidRecordsError(field, f"{field} must be an object.")
    for name, value in record.items():
        if isinstance(value, int) and not _fits_float(value):
            raise InvalidRecordsError(f"{field}.{name}", f"{field}.{name} is too large a number.")
        if isinstance(value, list | dict) and _depth(value) > MAX_DEPTH:
            problem = f"{field}.{name} is nested deeper than {MAX_DEPTH} levels."
            raise InvalidRecordsError(f"{field}.{name}", problem)


def _fits_float(value: int) -> bool:
    try:
        float(value)
    except OverflowError:
        return False
    return True


def _depth(value: Any) -> int:
    """Count the levels of lists and objects, up to one more than the maximum."""
    depth, level = 0, [value]
    while level and depth <= MAX_DEPTH:
        inner = [item for item in level if isinstance(item, list | dict)]
        level = [x for item in inner for x in (item.values() if isinstance(item, dict) else item)]
        depth += bool(inner)
        if not inner:
            break
    return depth
