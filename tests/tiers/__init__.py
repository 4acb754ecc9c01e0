"""The tiers of the checks: which parts run, and which drills and mutations a change selects.

`.ci/run` runs `python -m tests.tiers landing`; `make verify` runs `python -m tests.tiers verify`.
`runner`, `waivers` and `summary` need the standard library only, since they run before anything is
installed. `changed_rules` and `selection` run inside parts.
"""
