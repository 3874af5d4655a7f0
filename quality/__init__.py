"""What language says: reason classes of written reschedule reasons. Nothing is sent from here."""
