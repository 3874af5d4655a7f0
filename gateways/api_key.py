"""The installation's own API key."""

from gateways.secret_file import kept_secret
from gateways.settings import Settings

API_KEY_FILE = "api_key"


def api_key(settings: Settings) -> str:
    """API key from the settings, otherwise the one generated in the data folder."""
    return settings.api_key or kept_secret(settings.data_dir / API_KEY_FILE)
