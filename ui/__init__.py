"""The dashboard: who needs help, why, and what to do. It reads only what the store offers for reading."""
