"""Gate decisions in the ledger, shadow scores and comparisons."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Extend the ledger and create the tables of challengers."""
    _run("0002_gate.up.sql")


def downgrade() -> None:
    """Reduce the ledger to champions; other entries and shadow scores are lost."""
    _run("0002_gate.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
