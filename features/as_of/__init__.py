"""Point-in-time queries of a history, and prior means."""
