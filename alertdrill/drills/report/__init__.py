"""The reports of a run of drills."""
