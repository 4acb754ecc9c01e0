"""Time compression: the same rules and routes with every duration divided by one factor."""

from .ephemeral_stack_settings import ephemeral_settings
from .errors import TimescaleError
from .promql import scale as scale_query
from .render import expression_scaler, render

__all__ = ["TimescaleError", "ephemeral_settings", "expression_scaler", "render", "scale_query"]
