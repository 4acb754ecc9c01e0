"""The tiers of the checks: which parts run, which drills and mutations a change selects.

`python -m tests.tiers landing` is what `.ci/run` runs, `python -m tests.tiers verify` what `make
verify` runs. The runner (`parts`, `waivers`, `summary`) needs the standard library only, because it
runs before anything is installed; the selection (`changes`, `selection`) runs inside of parts.
"""
