"""Known when asked: the reason by which a leak alarm about an attribute is overridden."""

from pathlib import Path

from alembic import op

revision = "0020"
down_revision = "0019a"


def upgrade() -> None:
    """Add the reasons."""
    _run("0020_known_when_asked.up.sql")


def downgrade() -> None:
    """Drop the reasons."""
    _run("0020_known_when_asked.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
