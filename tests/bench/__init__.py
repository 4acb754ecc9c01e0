"""Benchmarks: ratios within one run, for machines differ and are noisy."""
