"""Patch a program's compiled-in path, so that it finds its data outside its install folder."""

from pathlib import Path


def patch_path(program: Path, built_in: str, linked: str) -> None:
    """Replace the folder `built_in` in a program by `linked`, a name in its working directory.

    The replacement must have the same length, so it is padded with `./`. Package managers relocate
    programs into a user's folder in the same way. A program without the path stays unchanged.
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
        raise ValueError(f"{path!r} cannot be padded to {length} characters.")
    odd = "/" if filling % 2 else ""
    return "./" * (filling // 2) + odd + path
