"""Decisions in the ledger, the scores of challengers, and how they compared."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Extend the ledger and make the tables of challengers."""
    _run("0002_gate.up.sql")


def downgrade() -> None:
    """Back to a ledger of champions only; entries and scores of other kinds go."""
    _run("0002_gate.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
