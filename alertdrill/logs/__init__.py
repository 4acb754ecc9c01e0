"""Finding things in the logs: what is asked for, where it is asked, and what a line is."""
