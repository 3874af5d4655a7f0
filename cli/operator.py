"""Who runs a command."""

import getpass

from domain.policy import Principal, Role


def operator() -> Principal:
    """Whoever may run the command may do everything; the audit says which account of the machine it was."""
    return Principal(f"tqs:{getpass.getuser()}", Role.ADMIN)
