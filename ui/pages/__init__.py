"""Dashboard pages, one module with templates each."""
