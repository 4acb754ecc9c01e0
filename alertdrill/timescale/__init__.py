"""Time compression: the same rules and routes with every duration divided by one factor."""
