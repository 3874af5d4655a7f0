"""HTTP mechanics that no single route owns."""
