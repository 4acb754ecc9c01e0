"""Let a program find its own files although it is not installed where it was built for."""

from pathlib import Path


def patch_path(program: Path, built_in: str, linked: str) -> None:
    """Replace the folder `built_in` in a program by `linked`, a name in its working directory.

    A compiled-in path can only be replaced by one of the same length, so the new one is filled
    up with `./`, which means nothing. This is how package managers that install into a user's
    folder relocate programs. A program that does not hold the path stays as it is.
    """
    content = program.read_bytes()
    changed = content.replace(built_in.encode(), pad_path(linked, len(built_in)).encode())
    if changed != content:
        mode = program.stat().st_mode
        program.write_bytes(changed)
        program.chmod(mode)


def pad_path(path: str, length: int) -> str:
    """Return a relative path of exactly `length` characters that leads to `path`."""
    filling = length - len(path)
    if filling < 0 or filling == 1:
        raise ValueError(f"{path!r} can't be written with {length} characters.")
    odd = "/" if filling % 2 else ""
    return "./" * (filling // 2) + odd + path
