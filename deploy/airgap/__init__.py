"""Build, save and load the third-party images of the stack, on hosts without a registry."""
