"""Point-in-time features: sorted histories, a windowed-count kernel, and one function for each column."""
