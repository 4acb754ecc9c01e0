"""Ctrl-C at any moment: one line and the exit code 130, also while Python still imports.

Only small modules are imported here, with syntax of older Pythons.
"""

from __future__ import annotations

import os
import signal

# A shell's exit code after Ctrl-C.
INTERRUPTED = 130
MESSAGE = "Interrupted."


def exit_on_interrupt() -> None:
    """End the process at Ctrl-C, for the moments in which there is nothing to clean up.

    These are the imports, in which an exception may get lost, and the end of the process. It has no
    effect in a process that ignores Ctrl-C, such as a background job of a script. A Ctrl-C from
    before, which the console script has blocked, arrives now.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _exit)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])


def raise_on_interrupt() -> None:
    """Raise `KeyboardInterrupt` at Ctrl-C, SIGTERM and SIGHUP, so that a command can clean up."""
    if signal.getsignal(signal.SIGINT) is _exit:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def _exit(*_: object) -> None:
    os.write(2, ("\n" + MESSAGE + "\n").encode())
    os._exit(INTERRUPTED)
