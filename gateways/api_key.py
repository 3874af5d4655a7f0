"""The installation's own key of the API."""

from gateways.secret_file import kept_secret
from gateways.settings import Settings

API_KEY_FILE = "api_key"


def api_key(settings: Settings) -> str:
    """The key from the settings, else one kept in the data folder."""
    return settings.api_key or kept_secret(settings.data_dir / API_KEY_FILE)
