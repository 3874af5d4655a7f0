"""What we measure, and what we measure ourselves against."""
