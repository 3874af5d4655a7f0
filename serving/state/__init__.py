"""State kept in memory between requests: champions, histories, subscribers."""
