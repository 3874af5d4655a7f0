"""Point-in-time columns: sorted histories, one windowed-count kernel, one small function a column."""
