"""Work that runs with or without Prefect: event worker, scoring, outgoing mail and webhooks, promotion."""
