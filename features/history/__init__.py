"""The history of the marketplace as streams of events."""
