"""`python -m tests.e2e.compressed_cli HOME COMMAND`: the command line of a stack at speed 12.

No setting sets the speed of a stack, so a test that follows a person's steps in less time runs this
in place of `alertdrill`. It works in any copy of the repository.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from dataclasses import replace
from pathlib import Path

from alertdrill.cli.app import main
from alertdrill.config import settings
from alertdrill.config.settings import StackSettings
from alertdrill.timescale.ephemeral_stack_settings import ephemeral_settings
from tests.e2e.compressed_stack import SPEED


def stack_settings(home: Path) -> StackSettings:
    """Return the settings of the stack in a folder; the first call chooses and stores them."""
    file = home / "settings.json"
    if not file.exists():
        user = replace(settings.load(os.environ), home=home)
        own = replace(ephemeral_settings(user, SPEED), healing=user.healing)
        file.write_text(replace(own, project=f"alertdrill-{secrets.token_hex(3)}").to_json())
    return StackSettings.from_dict(json.loads(file.read_text()))


if __name__ == "__main__":
    stack = stack_settings(Path(sys.argv[1]))
    settings.current = lambda **_: stack
    main(sys.argv[2:])
