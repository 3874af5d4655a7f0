"""What language says: reason classes of written reschedule reasons. Clients are handed in; nothing is sent from here."""
