"""Split PromQL, or LogQL, into its words, each with its exact place.

A parsed tree forgets how things were written (`4h` becomes 14400) and where, so it cannot say
which text to change. The tests compare what is found here with what a real parser finds.
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
WORD = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in KINDS.items()))


@dataclass(frozen=True)
class Token:
    """A word of an expression; `inside` is the brace or bracket around it, if there is one."""

    kind: str
    text: str
    start: int
    end: int
    inside: str


def tokens(expression: str) -> list[Token]:
    """Return the words, without space and comments.

    Raises ValueError at a character that starts no word.
    """
    found: list[Token] = []
    place, inside = 0, ""
    while place < len(expression):
        word = WORD.match(expression, place)
        if word is None:
            raise ValueError(f"This is no PromQL or LogQL that we know: {expression[place:]!r}.")
        inside = "" if word[0] in {"}", "]"} else inside
        if word.lastgroup not in {"space", "comment"}:
            found.append(Token(str(word.lastgroup), word[0], place, word.end(), inside))
        inside = word[0] if word[0] in {"{", "["} else inside
        place = word.end()
    return found
