"""Paths in the repository, and of the real data next to it."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
MEDICAL = ROOT.parent / "shared" / "data" / "medical_no_shows.csv.gz"
