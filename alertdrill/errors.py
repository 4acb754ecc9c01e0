"""The root of every error that Alertdrill explains in one sentence."""


class AlertdrillError(Exception):
    """An error that the user can correct; its message says what is wrong and what to do."""
