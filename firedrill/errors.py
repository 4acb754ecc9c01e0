"""The root of every error that Firedrill explains in one sentence."""


class FiredrillError(Exception):
    """Something the user can put right; its text says what is wrong and the way out."""
