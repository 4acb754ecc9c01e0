"""The values of a service's declaration: each is checked, and its error says what to write."""

from __future__ import annotations

import re
import shlex
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ValidationInfo

from .components import COMPONENTS, SUPERVISOR, TASKS
from .yaml_lines import sentence

NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
# A hostname has at most 63 characters, including the project's name and the instance's number.
MAX_NAME_LENGTH = 30
# The ends of the names of a service's second backend (lb/backend.cfg), and of the containers that
# run its `release` and generate its secrets.
LARGE, RELEASE, SECRET_FILES = "-large", "-release", "-secrets"
MAX_PATH_LENGTH = 200
MEMORY = r"([1-9][0-9]{0,5})MiB"
SIZE = r"([1-9][0-9]{0,5})(KiB|MiB)"
PATH = r"(/[A-Za-z0-9._~-]+)+|/"
HOSTNAME = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*"
# With a tag or a digest, so that a start does not depend on its day.
DIGEST = r"@sha256:[0-9a-f]{64}"
TAG = r":[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
IMAGE = rf"[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9._-]+)*({TAG}({DIGEST})?|{DIGEST})"
# Some programs read these as a boolean, or as nothing.
YAML_WORDS = ("null", "true", "false", "yes", "no", "on", "off", "y", "n")
# Set by the runtimes, so a service can't set them.
RESERVED = (
    *("APP", "PATH", "FAULTS_ENABLED", "FAULTS_TOKEN", "FAULTS_TOKEN_FILE", "HOST", "INSTANCE"),
    *("INTERNAL_URL", "LINKS", "LOG_LEVEL", "OPS_PORT", "PORT", "PROJECT", "PYTHONPATH", "SERVICE"),
    *("THREADS", "TRUSTED_PROXIES", "VERSION"),
)
# What a value of `env` may contain. supervisord can't quote the others.
VALUE = r"(?!.*\s[;#])[^\x00-\x1f\x7f\"\ud800-\udfff]*"
# Beginnings of variables that our own programs use.
RESERVED_PREFIXES = ("ALERTDRILL_", "SUPERVISOR_")


def _path(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(PATH, value) or len(value) > MAX_PATH_LENGTH:
        raise ValueError("use a path such as /orders")
    if {".", ".."} & set(value.split("/")):  # clients remove them
        raise ValueError("use a path without . and ..")
    return value


def _name(name: str) -> str:
    if not re.fullmatch(NAME, name) or len(name) > MAX_NAME_LENGTH or name[-1].isdigit():
        raise sentence(
            f"{name!r} is not a valid service name: use up to {MAX_NAME_LENGTH} small letters,"
            " digits and single hyphens, and end with a letter"
        )
    for ending, owner in (
        (LARGE, "backends of the load balancer"),
        (RELEASE, "containers"),
        (SECRET_FILES, "containers"),
    ):
        if name.endswith(ending):
            raise sentence(f"{name!r} ends in {ending}, as some {owner} do: use another name")
    if name in YAML_WORDS:
        raise sentence(f"{name!r} is no text in YAML: use another name")
    if name in (*COMPONENTS, *TASKS, SUPERVISOR):
        raise sentence(f"{name} is a component of the stack: use another name")
    return name


def _memory(value: object, info: ValidationInfo) -> object:
    if info.context is None:  # of code, not of a file
        return value
    if not (match := re.fullmatch(MEMORY, str(value))):
        raise ValueError("use a size such as 256MiB")
    return int(match[1]) * 2**20


def _size(value: object, info: ValidationInfo) -> object:
    if info.context is None or value is None:
        return value
    if not (match := re.fullmatch(SIZE, str(value))):
        raise ValueError("use a size such as 4KiB or 16MiB")
    return int(match[1]) * (2**10 if match[2] == "KiB" else 2**20)


def _variable(name: str) -> str:
    if not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
        raise sentence(f"{name!r} is not a variable: use capitals, digits and underscores")
    if name in RESERVED or name.startswith(RESERVED_PREFIXES):
        advice = ": use the key threads" if name == "THREADS" else ""
        raise sentence(f"{name} is set by the runtime{advice}")
    return name


def _value(value: str) -> str:
    if not re.fullmatch(VALUE, value):
        raise ValueError("use one line without double quotes, and without ; and # after a space")
    if value.startswith("'") or value.endswith("'"):  # supervisord would remove it
        raise ValueError("use a value that neither begins nor ends with a single quote")
    return value


def _command(text: str) -> str:
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise ValueError("use one line, without control characters")
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ValueError(f"it is no command ({error})") from error
    if not words:
        raise ValueError("use a command, as in flask --app orders init-db")
    return text


def _file_name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,29}", name):
        raise sentence(
            f"{name!r} is no name of a volume or a secret: use up to 30 small letters, digits and"
            " underscores"
        )
    return name


def _app(app: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][\w.]*(:[^\s\"'$%\\]+)?", app):
        raise ValueError("use a module and what it has, as in blog:create_app()")
    return app


def _folder(path: str) -> str:
    if not path or re.search(r"[\x00-\x1f\x7f$]", path):
        raise ValueError("use a folder, as in ../blog")
    return path


def _file(file: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._/-]*", file) or ".." in file:
        raise ValueError("use a file in the folder, as in requirements.txt or Dockerfile")
    return file


def _image(image: str) -> str:
    if not re.fullmatch(IMAGE, image):
        raise ValueError("use an image with a tag or a digest, as in example.com/team/orders:1.2")
    return image


def _host(host: str) -> str:
    if not re.fullmatch(HOSTNAME, host):
        raise ValueError("use a host name in small letters, as in orders.example.com")
    return host


ServiceName = Annotated[str, AfterValidator(_name)]
VariableName = Annotated[str, AfterValidator(_variable)]
Value = Annotated[str, AfterValidator(_value)]
Command = Annotated[str, AfterValidator(_command)]
Host = Annotated[str, AfterValidator(_host)]
# Of a volume or a secret: a folder, a file, and a word in a value of `env`.
FileName = Annotated[str, AfterValidator(_file_name)]
Application = Annotated[str, AfterValidator(_app)]
Folder = Annotated[str, AfterValidator(_folder)]
FileInFolder = Annotated[str, AfterValidator(_file)]
Image = Annotated[str, AfterValidator(_image)]
UrlPath = Annotated[str, BeforeValidator(_path)]
# Bytes of memory, and of a part of a request.
Memory = Annotated[int, BeforeValidator(_memory)]
Size = Annotated[int, BeforeValidator(_size)]
