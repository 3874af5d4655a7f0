"""HTML of a mail."""

from pathlib import Path

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the column."""
    _run("0013_mail_html.up.sql")


def downgrade() -> None:
    """Drop it."""
    _run("0013_mail_html.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
