"""Check that a port can be used before a framework ends with a traceback over it."""

import os
import socket

from domain.errors import InvalidSettings


def check_port(host: str, port: int, setting: str) -> None:
    """Raise InvalidSettings naming the setting if nothing can listen at the port."""
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        raise InvalidSettings(f"port {port} cannot be used ({os.strerror(error.errno or 0)}): set {setting}") from error
