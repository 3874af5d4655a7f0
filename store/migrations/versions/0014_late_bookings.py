"""Sessions booked after their start."""

from pathlib import Path

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Allow them."""
    _run("0014_late_bookings.up.sql")


def downgrade() -> None:
    """Reject new ones."""
    _run("0014_late_bookings.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
