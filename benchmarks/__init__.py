"""Benchmarks of the product, and the baselines they compare it with."""
