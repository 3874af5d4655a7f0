"""Arrays, streams, the compiled kernel, time zones and public holidays."""
