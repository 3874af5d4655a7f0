"""Simulated marketplace with known truth; used by the command line, the demo and tests only."""
