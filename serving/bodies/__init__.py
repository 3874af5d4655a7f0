"""Request and response bodies, with their examples."""
