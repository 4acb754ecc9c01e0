"""The ways to run the stack: `base` has their protocols, `select` chooses one."""
