"""As-of rows with labels, and the simulated truth beside them."""
