"""The HTTP API: a FastAPI app, and the BentoML service it is mounted in."""
