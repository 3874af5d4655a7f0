"""As-of rows with labels, and their simulated truth."""
