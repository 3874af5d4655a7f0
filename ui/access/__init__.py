"""Sign-in to the dashboard and security headers of its responses."""
