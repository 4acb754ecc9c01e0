"""The native runtime: processes under supervisord, for machines without a Docker engine."""

from .runtime import NativeRuntime

__all__ = ["NativeRuntime"]
