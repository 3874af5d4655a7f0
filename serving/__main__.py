"""`python -m serving`: run the BentoML service at the configured address until Ctrl-C."""

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
    """Replace this process by `bentoml serve`, so that signals reach it directly."""
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
    """Environment that disables BentoML's usage tracking and keeps its files in the data folder."""
    return {"BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": str(data_dir / "bentoml")}


def sized(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """Environment that sets the number of worker processes; options already in the environment take precedence."""
    workers = f"services.tutor_quality.workers={settings.api_workers}"
    return {"BENTOML_CONFIG_OPTIONS": f"{workers} {environ.get('BENTOML_CONFIG_OPTIONS', '')}".strip()}


if __name__ == "__main__":
    main(os.environ)
