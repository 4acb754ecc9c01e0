"""The bearer tokens of the responder's tests."""

TOKEN = "a token of twenty-four"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
