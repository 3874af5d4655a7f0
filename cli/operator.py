"""Principal of the user who runs a command."""

import getpass

from domain.policy import Principal, Role


def operator() -> Principal:
    """Principal with all permissions, since the shell user has them anyway; the audit log records the account name."""
    return Principal(f"tqs:{getpass.getuser()}", Role.ADMIN)
