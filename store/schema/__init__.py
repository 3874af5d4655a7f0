"""Table definitions, kept equal to the migrations by a test."""
