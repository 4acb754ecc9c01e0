"""Clients of the components of a stack. They know addresses, no stack."""
