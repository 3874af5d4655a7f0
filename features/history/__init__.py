"""History of the marketplace: streams of events."""
