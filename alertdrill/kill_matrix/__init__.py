"""The kill matrix: break every part of the stack in every way, and record what recovers it."""
