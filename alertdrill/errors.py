"""The root of every error that Alertdrill explains in one sentence."""


class AlertdrillError(Exception):
    """Something the user can put right; its text says what is wrong and the way out."""
