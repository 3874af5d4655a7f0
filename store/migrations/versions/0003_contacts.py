"""Contact plans, their arms, events and measured effects."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables and views of contacts."""
    _run("0003_contacts.up.sql")


def downgrade() -> None:
    """Drop them, with all plans, contacts and effects."""
    _run("0003_contacts.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
