"""Places in the repository, and the real data beside it."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
MEDICAL = ROOT.parent / "shared" / "data" / "medical_no_shows.csv.gz"
