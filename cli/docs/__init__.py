"""Documents generated from the code."""
