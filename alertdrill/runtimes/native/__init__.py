"""The native runtime: plain processes under supervisord, for machines without an engine."""

from .runtime import NativeRuntime

__all__ = ["NativeRuntime"]
