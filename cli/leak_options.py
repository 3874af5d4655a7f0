"""Option of `tqs train` and `tqs backtest` that overrides leak alarms, with a reason."""

from typing import Annotated

import typer

from domain.errors import InvalidDataset

KnownWhenAsked = Annotated[
    list[str] | None,
    typer.Option(help="COLUMN=REASON: override the leak alarm about a column; the reason is recorded."),
]


def parse_reasons(options: list[str] | None) -> dict[str, str]:
    """Parse `COLUMN=REASON` options of the command line. Raises InvalidDataset for another form."""
    reasons = {}
    for text in options or []:
        column, _, reason = text.partition("=")
        if not column or not reason.strip():
            raise InvalidDataset(f'--known-when-asked {text}: write COLUMN=REASON, as in price="set at booking"')
        reasons[column] = reason.strip()
    return reasons
