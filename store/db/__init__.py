"""Access to PostgreSQL: engine, statements, asynchronous connections, LISTEN, COPY."""
