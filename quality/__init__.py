"""Text classification: reason classes of reschedules, and the interface of transcript scorers. Runs offline."""
