"""The Rails app: events it keeps, webhooks it takes, signatures."""
