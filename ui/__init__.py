"""Dashboard: tutors and sessions by risk, with reasons and advice. Reads scores; writes only the audit log."""
