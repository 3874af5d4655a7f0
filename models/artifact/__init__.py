"""A trained model as bytes and sidecar, and the matrix it reads."""
