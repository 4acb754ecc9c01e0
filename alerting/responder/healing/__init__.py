"""Healing: observe the stack, plan an action for each alert as the policy says, apply the plan.

`reconciler` runs the three in a loop. `planner` and `policy` are pure; only `executor` writes.
"""
