"""`python -m serving`: the BentoML service at the address of the settings, until Ctrl-C."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from domain.errors import TutorQualityError
from gateways.ports import check_port
from gateways.private_files import keep_files_private
from gateways.settings import Settings, load_settings
from serving.guard.rate_limits import check_workers


def main(environ: Mapping[str, str]) -> None:
    """Become `bentoml serve`: the same process, so that a signal to us is a signal to it."""
    keep_files_private()
    host = environ.get("BENTOML_HOST", "127.0.0.1")
    try:
        settings = load_settings(environ)
        check_workers(settings)
        check_port(host, settings.api_port, "TQS_API_PORT")
    except TutorQualityError as error:
        sys.exit(f"error: {error}")
    command = [sys.executable, "-m", "bentoml", "serve", "serving.service:TutorQuality"]
    address = ["--host", host, "--port", str(settings.api_port)]
    os.execve(sys.executable, command + address, {**environ, **quiet(settings.data_dir), **sized(settings, environ)})


def quiet(data_dir: Path) -> dict[str, str]:
    """What keeps BentoML from calling home, and its own files in our data folder."""
    return {"BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": str(data_dir / "bentoml")}


def sized(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """How many processes answer; what the environment already tells BentoML goes on top."""
    workers = f"services.tutor_quality.workers={settings.api_workers}"
    return {"BENTOML_CONFIG_OPTIONS": f"{workers} {environ.get('BENTOML_CONFIG_OPTIONS', '')}".strip()}


if __name__ == "__main__":
    main(os.environ)
