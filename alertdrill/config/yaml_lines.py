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

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Return a mapping whose keys are different texts."""
        node = super().compose_mapping_node(anchor)
        keys: set[str] = set()
        for key, _ in node.value:
            problem = "a key must be a word" if not isinstance(key, yaml.ScalarNode) else ""
            if problem or key.value in keys:
                problem = problem or f"{key.value} is a duplicate key"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            keys.add(key.value)
            if key.tag != f"{TAG}merge":
                key.tag = f"{TAG}str"
        return node


for name, pattern, initials in (
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?", list("-+.123456789")),
    ("float", r"[-+]?0(\.[0-9]*)?([eE][-+]?[0-9]+)?", ["0"]),
    ("merge", "<<", ["<"]),
):
    Loader.add_implicit_resolver(TAG + name, re.compile(rf"(?:{pattern})\Z"), initials)


# What a tag raises for a value that is not of its kind.
INVALID = (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, RecursionError)


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
    # The text of a number of a file is no duration.
    return value if info.context is None else parse_seconds(str(value))


# A duration of a file in seconds. A number without a unit is refused in files, not in code.
Seconds = Annotated[float, BeforeValidator(_seconds)]


class YamlDocument:
    """A YAML file, with the line of each value; `error` is the class of all errors about it.

    The errors call the file `name`; by default that is its name and its folder's.
    """

    def __init__(self, file: Path, error: type[AlertdrillError], name: str = "") -> None:
        self._name, self._error = name or f"{file.parent.name}/{file.name}", error
        if file.exists() and not file.is_file():
            raise self._at(1, "it is no file")
        try:
            root = yaml.compose(file.read_text(encoding="utf-8"), Loader=Loader)
        except OSError as failure:
            raise self._at(1, f"cannot read it ({failure.strerror})") from failure
        except UnicodeDecodeError as failure:
            raise self._at(1, "it is not UTF-8") from failure
        except yaml.YAMLError as failure:
            # The error about an invalid character has neither a line nor a problem.
            mark, problem = (
                getattr(failure, "problem_mark", None),
                getattr(failure, "problem", failure),
            )
            line = mark.line + 1 if mark else 1
            raise self._at(line, f"it is not valid YAML ({problem})") from failure
        except RecursionError as failure:
            raise self._at(1, "it is nested too deep") from failure
        if root is None:
            raise self._at(1, "it is empty")
        self._root: yaml.Node = root

    def parse(self, model: type[T], *part: str) -> T:
        """Return the document, or a part of it, as a model; raise the document's error otherwise.

        `part` has the keys that lead to the part, which exists.
        """
        try:
            data: Any = _construct(self._root)
        except INVALID as failure:
            node = _invalid_node(self._root)
            value = f" {node.value[:40]!r}" if isinstance(node, yaml.ScalarNode) else ""
            tag = node.tag.replace(TAG, "!!")
            problem = f"it is not valid YAML ({tag}{value})"
            raise self._at(node.start_mark.line + 1, problem) from failure
        for key in part:
            data = data[key]
        try:
            return TypeAdapter(model).validate_python(data, context={})
        except ValidationError as error:
            details = error.errors(include_url=False)
            invalid = [((*part, *_place(detail)), detail) for detail in details]
            place, first = min(invalid, key=lambda item: self._node(item[0]).start_mark.line)
            self.refuse(self._explain(first, place), *place)

    def refuse(self, what: str, *place: str | int) -> NoReturn:
        """Raise the document's error about the value at a place, such as `"web", "port"`."""
        raise self._at(self._node(place).start_mark.line + 1, what)

    def _at(self, line: int, what: object) -> AlertdrillError:
        return self._error(f"{self._name}:{line}: {what}.")

    def _node(self, place: tuple[str | int, ...]) -> yaml.Node:
        """Return the node at a place, or the nearest one around it."""
        node = self._root
        for step in place:
            # A union adds its member's name to a place, and an error about a key adds `[key]`.
            children = node.value if isinstance(node, yaml.CollectionNode) else []
            if isinstance(node, yaml.MappingNode):
                node = next((value for key, value in children if key.value == str(step)), node)
            elif isinstance(step, int) and step < len(children):
                node = children[step]
        return node

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


def _construct(node: yaml.Node) -> Any:
    return Loader("").construct_document(node)


def _invalid_node(node: yaml.Node) -> yaml.Node:
    """Return the innermost node that is no value of its tag."""
    children = node.value if isinstance(node, yaml.CollectionNode) else []
    for child in children:
        for inner in child if isinstance(child, tuple) else (child,):
            try:
                _construct(inner)
            except INVALID:
                return _invalid_node(inner)
    return node


def _place(error: ErrorDetails) -> tuple[str | int, ...]:
    details = error.get("ctx", {})
    key = details.get("key") or details.get("discriminator", "").strip("'")
    return (*error["loc"], key) if key else error["loc"]


def _label(place: tuple[str | int, ...]) -> str:
    """Return the words for a place: its last key, and the item's number in a list."""
    *_, last = place or ("it",)
    if isinstance(last, str):
        return last
    return f"item {last + 1} of {_label(place[:-1])}"
