"""Ports of this machine: whether one can be used, and one that is free."""

import os
import socket
from contextlib import closing

from domain.errors import InvalidSettings


def check_port(host: str, port: int, setting: str) -> None:
    """Raise InvalidSettings naming the setting if nothing can listen at the port."""
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        raise InvalidSettings(f"port {port} cannot be used ({os.strerror(error.errno or 0)}): set {setting}") from error


def free_port(host: str, wanted: int = 0) -> int:
    """The port wanted if it is free, else any that is."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, wanted))
        except OSError:
            return free_port(host)
        return int(probe.getsockname()[1])
