"""The control API: it lets the responder restart and scale instances over HTTP."""
