"""Sign-in to the dashboard, and headers of its responses."""
