"""Queue of outgoing messages: mail and webhooks, stored before they are sent."""
