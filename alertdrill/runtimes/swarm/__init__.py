"""The Docker Swarm runtime: the operations that the control API needs."""
