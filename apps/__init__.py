"""Everything that runs as one of our Flask programs."""
