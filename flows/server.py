"""`python -m flows.server`: the Prefect server of this installation, on the loopback address and behind a sign-in."""

import os
import sys
from collections.abc import Mapping

from domain.errors import TutorQualityError
from gateways.ports import check_port
from gateways.prefect_server.access import HOST, server_environ
from gateways.private_files import keep_files_private
from gateways.settings import load_settings


def main(environ: Mapping[str, str]) -> None:
    """Replace this process by `prefect server start`, so that signals reach the server.

    The credentials are in the environment only, as a command line can be read by every user of the machine.
    """
    keep_files_private()
    try:
        settings = load_settings(environ)
        port = settings.prefect_port
        check_port(HOST, port, "TQS_PREFECT_PORT")
        own = server_environ(settings, port)
    except TutorQualityError as error:
        sys.exit(f"error: {error}")
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)]
    os.execve(sys.executable, command, {**environ, **own})


if __name__ == "__main__":
    main(os.environ)
