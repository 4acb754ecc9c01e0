"""Split PromQL or LogQL into tokens with their exact positions.

A syntax tree has neither the original text (`4h` becomes 14400) nor positions, so it cannot be used
to change the text. The tests compare the tokens with those of a real parser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

KINDS = {
    "comment": r"#[^\n]*",
    "string": r'"(?:\\.|[^"\\])*"|' + r"'(?:\\.|[^'\\])*'" + r"|`[^`]*`",
    "duration": r"(?:\d+(?:ms|[smhdwy]))+(?![\w.])",
    "number": r"(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])",
    # A colon alone is the one in `[30m:1m]`.
    "name": r":*[A-Za-z_][\w:]*",
    "sign": r"==|!=|>=|<=|=~|!~|[-+*/%^<>=(){}\[\],:@|]",
    "space": r"\s+",
}
TOKEN = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in KINDS.items()))


@dataclass(frozen=True)
class Token:
    """A token of an expression; `inside` is the brace or bracket around it, if there is one."""

    kind: str
    text: str
    start: int
    end: int
    inside: str


def tokens(expression: str) -> list[Token]:
    """Return the tokens, without space and comments.

    Raises ValueError at a character that starts no token.
    """
    token_list: list[Token] = []
    index, inside = 0, ""
    while index < len(expression):
        token = TOKEN.match(expression, index)
        if token is None:
            raise ValueError(f"unknown PromQL or LogQL syntax: {expression[index:]!r}")
        inside = "" if token[0] in {"}", "]"} else inside
        if token.lastgroup not in {"space", "comment"}:
            token_list.append(Token(str(token.lastgroup), token[0], index, token.end(), inside))
        inside = token[0] if token[0] in {"{", "["} else inside
        index = token.end()
    return token_list
