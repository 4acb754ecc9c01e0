"""What the responder asks for in its tests."""

TOKEN = "a token of twenty-four"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
