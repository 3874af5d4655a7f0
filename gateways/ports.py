"""TCP ports of this machine: availability check and choice of a free one."""

import os
import socket
from contextlib import closing

from domain.errors import InvalidSettings


def check_port(host: str, port: int, setting: str) -> None:
    """Raise InvalidSettings naming the setting if the port cannot be listened on."""
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        raise InvalidSettings(f"port {port} cannot be used ({os.strerror(error.errno or 0)}): set {setting}") from error


def free_port(host: str, preferred: int = 0) -> int:
    """`preferred` if it is free, otherwise any free port."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, preferred))
        except OSError:
            return free_port(host)
        return int(probe.getsockname()[1])
