"""Unique training of each model version."""

from pathlib import Path

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the unique index."""
    _run("0012_versions.up.sql")


def downgrade() -> None:
    """Drop it."""
    _run("0012_versions.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
