"""Table definitions and the current text of each view, kept equal to the migrations by tests."""
