"""Embedded PostgreSQL, installed from a wheel and run by the installation itself."""
