"""Cron expressions parsed with cronsim: the setting TQS_SCHEDULES and due times."""

from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

from domain.schedules import CRONS

OFF = "off"
_FIELDS = 5
_EXAMPLE = "score=*/30 * * * *; monitor=off"


def read_schedules(setting: str) -> dict[str, str]:
    """Cron expression of each enabled flow: the defaults, overridden by `flow=cron; flow=off`.

    Raises ValueError naming the invalid entry and the allowed format.
    """
    crons = dict(CRONS)
    for entry in filter(None, map(str.strip, setting.split(";"))):
        name, separator, cron = (part.strip() for part in entry.partition("="))
        if not separator or name not in CRONS:
            raise ValueError(f"{entry!r}: give entries such as `{_EXAMPLE}`; the flows are {', '.join(CRONS)}")
        if cron == OFF:
            crons.pop(name, None)
        else:
            crons[name] = _checked(name, cron)
    return crons


def next_due(cron: str, after: datetime) -> datetime:
    """First due time after `after`, in UTC."""
    return next(CronSim(cron, after.astimezone(UTC)))


def last_due(cron: str, before: datetime) -> datetime:
    """Last due time before `before`, in UTC."""
    return next(CronSim(cron, before.astimezone(UTC), reverse=True))


def _checked(name: str, cron: str) -> str:
    fields = cron.split()
    try:
        if len(fields) != _FIELDS:
            raise CronSimError(f"{len(fields)} fields instead of {_FIELDS}")
        next_due(cron, datetime(2000, 1, 1, tzinfo=UTC))
    except (CronSimError, StopIteration) as error:
        reason = str(error) or "it never matches"
        raise ValueError(f"{name}: {cron!r} is not a cron expression ({reason}); write one as `5 * * * *`") from None
    return " ".join(fields)
