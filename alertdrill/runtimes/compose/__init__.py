"""The Compose runtime: the stack in containers, on a Docker engine."""
