"""Contacts: who is called about tomorrow's sessions, who is held out, and what it was worth."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables of contacts and what reads them."""
    _run("0003_contacts.up.sql")


def downgrade() -> None:
    """Drop them, with every plan, contact and effect."""
    _run("0003_contacts.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
