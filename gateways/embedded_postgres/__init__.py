"""PostgreSQL from a wheel, run by the installation itself."""
