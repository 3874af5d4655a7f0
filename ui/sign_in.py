"""Who may see the dashboard: one admin, whose password is made at the first start and kept in the data folder."""

from pathlib import Path

from gateways.secret_file import kept_secret

USER = "admin"
PASSWORD_FILE = "dashboard_password"
LOGIN_PAGE = Path(__file__).parent / "templates" / "login.html"


def credentials(data_dir: Path) -> dict[str, str]:
    """Passwords by user. Panel checks the user too only where it is given such a table."""
    return {USER: kept_secret(data_dir / PASSWORD_FILE)}


def cookie_secret(data_dir: Path) -> str:
    """What signs the cookies; kept, so that a restart signs nobody out."""
    return kept_secret(data_dir / "dashboard_cookie_secret")
