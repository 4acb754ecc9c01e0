"""Read YAML files into pydantic models; an error names file, line, key and value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from ..errors import AlertdrillError
from .durations import parse_seconds

T = TypeVar("T")
TAG = "tag:yaml.org,2002:"
# What pydantic's most frequent errors demand.
DEMANDS = {
    **dict.fromkeys(("string_type", "string_too_short"), "a text"),
    **dict.fromkeys(("list_type", "is_instance_of", "sequence_str"), "a list, as in [one, two]"),
    **dict.fromkeys(
        ("dict_type", "model_type", "model_attributes_type"), "a mapping, as in {name: value}"
    ),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), "a number"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "a whole number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
}


class Loader(yaml.SafeLoader):
    """YAML 1.2's types: `yes`, `1:30`, `010` and dates are texts, not other values."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own interface


for name, pattern, initials in (
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?", list("-+.123456789")),
    ("float", r"[-+]?0(\.[0-9]*)?([eE][-+]?[0-9]+)?", ["0"]),
    ("merge", "<<", ["<"]),
):
    Loader.add_implicit_resolver(TAG + name, re.compile(rf"(?:{pattern})\Z"), initials)


class YamlModel(BaseModel):
    """A mapping of a YAML file, whose keys are the fields or their aliases.

    A value has its field's own type: `"1"` is no number. Lists are `Sequence`, never `tuple`.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, data: Any) -> Any:
        keys = [str(field.validation_alias or name) for name, field in cls.model_fields.items()]
        for key in data if isinstance(data, Mapping) else ():
            if key not in keys and key not in cls.model_fields:
                raise sentence(f"{key} is unknown: known keys are {', '.join(keys)}", key)
        return data


def sentence(text: str, key: str = "") -> PydanticCustomError:
    """Return an error for a validator to raise, whose text stands alone.

    The error is about a key of the validated mapping, or about the validated value itself. (The
    text of a `ValueError` gets the key and its value in front.)
    """
    return PydanticCustomError("sentence", "{text}", {"text": text, "key": key})


def _seconds(value: object, info: ValidationInfo) -> object:
    if isinstance(value, str):
        return parse_seconds(value)
    if info.context is not None:
        raise ValueError("use a duration such as 90s or 1h30m")
    return value


# A duration of a file in seconds. A number without a unit is refused in files, not in code.
Seconds = Annotated[float, BeforeValidator(_seconds)]


class YamlDocument:
    """A YAML file, with the line of each value.

    `name` stands for the file in errors, `form` is the error about a file of another form, and
    `error` is the class of all errors.
    """

    def __init__(self, file: Path, *, name: str, form: str, error: type[AlertdrillError]) -> None:
        self._name, self._form, self._error = name, form, error
        self._root = self._compose(file)

    def _compose(self, file: Path) -> yaml.Node | None:
        try:
            root = yaml.compose(file.read_text(encoding="utf-8"), Loader=Loader)
        except OSError as error:
            raise self._at(1, f"cannot read it ({error.strerror})") from error
        except UnicodeDecodeError as error:
            raise self._at(1, "it is not UTF-8") from error
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise self._at(line, f"it is not valid YAML ({error.problem})") from error
        except yaml.YAMLError as error:  # an invalid character; this error has no line
            raise self._at(1, f"it is not valid YAML ({error})") from error
        self._check_keys(root, set())
        return root

    def _check_keys(self, node: yaml.Node | None, seen: set[int]) -> None:
        """Refuse duplicate keys; make every key a text."""
        if id(node) in seen:  # an alias
            return
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            for item in node.value:
                self._check_keys(item, seen)
        if isinstance(node, yaml.MappingNode):
            keys: set[str] = set()
            for key, value in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    raise self._at(key.start_mark.line + 1, "a key must be a word")
                if key.value in keys:
                    raise self._at(value.start_mark.line + 1, f"{key.value} is a duplicate key")
                keys.add(key.value)
                if key.tag != f"{TAG}merge":
                    key.tag = f"{TAG}str"
                self._check_keys(value, seen)

    def parse(self, model: type[T], *part: str, **context: Any) -> T:
        """Return the document, or a part of it, as a model; raise the document's error otherwise.

        `part` has the keys that lead to the part, which exists. Validators find the `context` in
        `info.context`.
        """
        data: Any = self._root and Loader("").construct_document(self._root)
        for key in part:
            data = data[key]
        try:
            return TypeAdapter(model).validate_python(data, context=context)
        except ValidationError as error:
            details = error.errors(include_url=False)
            invalid = [((*part, *self._place(detail)), detail) for detail in details]
            place, first = min(invalid, key=lambda item: self._line(item[0]))
            if not place and first["type"] in DEMANDS:
                self.refuse(self._form)
            self.refuse(self._explain(first, place), *place)

    def refuse(self, what: str, *place: str | int) -> NoReturn:
        """Raise the document's error about the value at a place, such as `"web", "port"`."""
        raise self._at(self._line(place), what)

    def _at(self, line: int, what: str) -> AlertdrillError:
        return self._error(f"{self._name}:{line}: {what}.")

    def _line(self, place: tuple[str | int, ...]) -> int:
        node = self._node(place)
        return node.start_mark.line + 1 if node else 1

    def _node(self, place: tuple[str | int, ...]) -> yaml.Node | None:
        """Return the node at a place, or the nearest one around it."""
        node = self._root
        for step in place:
            # A union adds its member's name to a place; no node has it.
            node = _child(node, step) or node
        return node

    def _place(self, error: ErrorDetails) -> tuple[str | int, ...]:
        details = error.get("ctx", {})
        key = details.get("key") or details.get("discriminator", "").strip("'")
        return (*error["loc"], key) if key else error["loc"]

    def _explain(self, error: ErrorDetails, place: tuple[str | int, ...]) -> str:
        kind, label = error["type"], _label(place)
        node = self._node(place)
        value = f" is {node.value!r}" if isinstance(node, yaml.ScalarNode) else ""
        if kind == "sentence":
            return error["msg"]
        if kind in ("missing", "union_tag_not_found"):
            return f"{label} is missing"
        if kind in ("literal_error", "union_tag_invalid"):
            details = error["ctx"]
            return f"{label}{value}: use {details.get('expected') or details['expected_tags']}"
        if kind == "value_error":
            return f"{label}{value}: {error['ctx']['error']}"
        if kind in DEMANDS:
            return f"{label} must be {DEMANDS[kind]}"
        return f"{label}{value}: it {error['msg'].removeprefix('Input ')}"


def _child(node: yaml.Node | None, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        return node.value[step] if step < len(node.value) else None
    return None


def _label(place: tuple[str | int, ...]) -> str:
    """Return the words for a place: its last key, and the item's number in a list."""
    *_, last = place or ("the file",)
    if isinstance(last, str):
        return last
    return f"item {last + 1} of {_label(place[:-1])}"
