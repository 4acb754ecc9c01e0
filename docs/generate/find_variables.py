"""Finds the environment variables that code reads, without running it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

# The methods of `EnvReader` in telemetry and of the reader of the stack's settings.
READERS = {"text", "secret", "integer", "number", "flag", "url", "path", "choice", "address"}
NAME = r"(?!HTTP_)[A-Z][A-Z0-9_]+"
# The keys of a WSGI environ, which is not the environment of the process.
WSGI = {
    "CONTENT_LENGTH",
    "PATH_INFO",
    "REMOTE_ADDR",
    "REQUEST_METHOD",
    "SCRIPT_NAME",
    "SERVER_SOFTWARE",
}
Variable = tuple[str, ast.expr | None]


def variables(files: Iterable[Path]) -> Iterator[Variable]:
    """Yield every variable that files read by its name, with the expression of its default."""
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            variable = _call(node) or _subscript(node)
            if variable and re.fullmatch(NAME, variable[0]) and variable[0] not in WSGI:
                yield variable


def _call(node: ast.AST) -> Variable | None:
    """Match `env.integer("PORT", 5000)` and `os.environ.get("PORT")`."""
    match node:
        case ast.Call(func=ast.Attribute(value=of, attr=attr), args=[ast.Constant(str(name)), *_]):
            default = node.args[1] if len(node.args) > 1 else None
            keywords = (word.value for word in node.keywords if word.arg == "default")
            is_read = attr in READERS or (attr == "get" and ast.unparse(of).endswith("environ"))
            return (name, default or next(keywords, None)) if is_read else None
    return None


def _subscript(node: ast.AST) -> Variable | None:
    """Match `os.environ["PORT"]`."""
    match node:
        case ast.Subscript(value=of, slice=ast.Constant(str(name))):
            return (name, None) if ast.unparse(of) == "os.environ" else None
    return None


def constant(default: ast.expr | None) -> str | None:
    """Return a default as text; None where it is not a constant expression."""
    if default is None or any(isinstance(node, ast.Name) for node in ast.walk(default)):
        return None
    # The expression is our own code without names, such as 1024 * 1024.
    value = eval(compile(ast.Expression(default), "default", "eval"), {})  # noqa: S307
    return str(int(value)) if isinstance(value, bool) else str(value)
