"""The settings of one installation, read from an environment that is handed in."""

from base64 import b64decode
from collections.abc import Iterator, Mapping
from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from re import fullmatch
from typing import Annotated
from unicodedata import category
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from domain.errors import InvalidSettings
from domain.promotion import GateMode
from domain.retention import LEAST, Kept, Periods
from gateways.crons import read_schedules

PREFIX = "TQS_"
_UNPREFIXED = {"database_url": "DATABASE_URL"}  # the name every host and platform already uses
_POSTGRES_SCHEMES = {"postgres", "postgresql", "postgresql+psycopg2"}


def _psycopg2_url(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in _POSTGRES_SCHEMES:
        raise ValueError("give a PostgreSQL address such as postgresql://user:password@host:5432/database")
    # SQLAlchemy 2.1 reads a bare postgresql:// as psycopg 3, which is not installed.
    return f"postgresql+psycopg2://{rest}"


def _smtp_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "smtp" or not parts.hostname or not parts.port:
        raise ValueError("give a mail server such as smtp://localhost:1025")
    return url


def _scheduler(address: str) -> str:
    if urlsplit(address).scheme not in {"tcp", "tls"} or not urlsplit(address).port:
        raise ValueError("give a scheduler such as tcp://localhost:8786")
    return address


def _web_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise ValueError("give an address such as https://app.example.org/tutor_quality, without a password")
    return url


def _secrets(secrets: str) -> str:
    for secret in secrets.split(","):
        try:
            enough = len(b64decode(secret.strip().removeprefix("whsec_"), validate=True)) >= SECRET_BYTES
        except ValueError:
            enough = False
        if not enough:
            raise ValueError(
                f"give whsec_ and at least {SECRET_BYTES} random bytes in base64; two, with a comma between"
            )
    if secrets.count(",") > 1:
        raise ValueError("give one secret, or two while you change from one to the other")
    return secrets


def _sign_in(sign_in: str) -> str:
    user, separator, password = sign_in.partition(":")
    if not (user and separator and len(password) >= SIGN_IN_CHARACTERS and sign_in.isascii() and sign_in.isprintable()):
        raise ValueError(f"give user:password in ASCII, the password of {SIGN_IN_CHARACTERS} characters or more")
    return sign_in


def _token(token: str) -> str:
    if not fullmatch(r"[!-~]+", token):
        raise ValueError("give one line of ASCII without blanks, since it is sent in a header")
    return token


def _rate_limit(limit: str) -> str:
    if not fullmatch(r"[1-9][0-9]{0,5}/(second|minute|hour)", limit):
        raise ValueError("give a number of requests such as 600/minute")
    return limit


def _schedules(setting: str) -> str:
    read_schedules(setting)
    return setting


def _mail_address(address: str) -> str:
    if "@" not in address or any(character in address for character in "\r\n"):
        raise ValueError("give one mail address such as admin@example.org, on one line")
    return address


SECRET_BYTES = 24
"""What a webhook's secret must hold at least."""

SIGN_IN_CHARACTERS = 16
"""Shortest password of the pages that the settings take."""

Port = Annotated[int, Field(ge=1, le=65535)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]


def _keep_days(days: int) -> int:
    if days and days < LEAST.days:
        raise ValueError(f"give 0 to keep for ever, or at least {LEAST.days} days")
    return days


KeepDays = Annotated[int, Field(ge=0, le=36_500), AfterValidator(_keep_days)]


class Compute(StrEnum):
    """Where the parts of a large marketplace are computed."""

    THREADS = "threads"
    DASK = "dask"


class LimitStorage(StrEnum):
    """Where requests are counted: in `memory`, for one process of the API, or in `postgresql`, for any number."""

    MEMORY = "memory"
    POSTGRESQL = "postgresql"


class Settings(BaseModel):
    """What an installation can choose.

    A plain model rather than one that reads the process's environment by itself: `load_settings` is handed the
    environment, so a test or a second installation in the same process cannot pick up somebody else's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: Path = Field(Path(".data"), description="folder for the embedded database, models and reports")
    database_url: Annotated[str, AfterValidator(_psycopg2_url)] | None = Field(
        None, repr=False, description="PostgreSQL to use; without it an embedded one is started in the data folder"
    )
    api_key: Annotated[str, AfterValidator(_token)] | None = Field(
        None, repr=False, description="key that callers of the API send; one is made if unset"
    )
    api_port: Port = Field(3000, description="port of the API")
    api_workers: int = Field(1, ge=1, le=64, description="processes of the API; more than one need `postgresql` below")
    rate_limit: Annotated[str, AfterValidator(_rate_limit)] = Field(
        "6000/minute", description="requests one caller may make, as `600/minute`"
    )
    rate_limit_storage: LimitStorage = Field(
        LimitStorage.MEMORY, description="where requests are counted: `memory` of one process, or `postgresql`"
    )
    streams_per_key: int = Field(
        20, ge=1, le=500, description="event streams and WebSockets one key may hold open, in each process of the API"
    )
    token_secret: Annotated[str, Field(min_length=32)] | None = Field(
        None, repr=False, description="what signs access tokens, 32 characters or more; one is made if unset"
    )
    webhook_secrets: Annotated[str, AfterValidator(_secrets)] | None = Field(
        None,
        repr=False,
        description="what Rails signs its events with, whsec_…; two, with a comma, while they change; made if unset",
    )
    rails_webhook_url: Annotated[str, AfterValidator(_web_url)] | None = Field(
        None, description="where Rails takes our webhooks; without it none are sent"
    )
    rails_webhook_secrets: Annotated[str, AfterValidator(_secrets)] | None = Field(
        None, repr=False, description="what we sign our webhooks to Rails with; as above"
    )
    rails_url: Annotated[str, AfterValidator(_web_url)] | None = Field(
        None, description="the Rails app, asked for events that never came"
    )
    rails_token: Annotated[str, AfterValidator(_token)] | None = Field(
        None, repr=False, description="bearer token for the Rails app"
    )
    ui_port: Port = Field(5006, description="port of the dashboard")
    ui_url: Annotated[str, AfterValidator(_web_url)] | None = Field(
        None,
        description="address of the dashboard as people open it, for links in mails; http://127.0.0.1:5006 if unset",
    )
    mlflow_port: Port = Field(5000, description="port of the MLflow pages")
    mlflow_auth: Annotated[str, AfterValidator(_sign_in)] | None = Field(
        None, repr=False, description="sign-in of the MLflow pages, `user:password`; one is made if unset"
    )
    prefect_port: Port = Field(4200, description="port of the Prefect server")
    prefect_auth: Annotated[str, AfterValidator(_sign_in)] | None = Field(
        None, repr=False, description="sign-in of the Prefect server, `user:password`; one is made if unset"
    )
    mail_from: MailAddress = Field("tutor-quality@localhost.localdomain", description="sender of reports")
    mail_to: MailAddress = Field("admin@localhost.localdomain", description="who receives reports")
    smtp_url: Annotated[str, AfterValidator(_smtp_url)] | None = Field(
        None, description="mail server, smtp://host:port; without it nothing is mailed"
    )
    gate: GateMode = Field(
        GateMode.ON,
        description="`on`: only a training that passes the gate serves; `dry_run`: it decides, and the newest serves; "
        "`off`: the newest serves, unasked",
    )
    engine: Compute = Field(
        Compute.THREADS,
        description="what computes columns: `threads` of one process, or the workers of `dask` (the extra `scale`)",
    )
    workers: int = Field(2, ge=1, description="parts of the marketplace that are computed at once")
    dask_scheduler: Annotated[str, AfterValidator(_scheduler)] | None = Field(
        None,
        description="a running Dask scheduler, tcp://host:port, whose workers see the data folder; without it workers "
        "are started here",
    )
    seed: int = Field(7, ge=0, description="seed of the simulator, of splits, of training and of who is held out")
    contacts_per_day: int = Field(20, ge=0, description="tutors who can be contacted a day about tomorrow's sessions")
    keep_inbox_days: KeepDays = Field(30, description="days that the content of a finished event is kept; 0: for ever")
    keep_changes_days: KeepDays = Field(30, description="days that changes of scores are kept; 0: for ever")
    keep_deliveries_days: KeepDays = Field(
        30, description="days that webhooks to Rails that were delivered or given up are kept; 0: for ever"
    )
    keep_mails_days: KeepDays = Field(90, description="days that the content of a sent mail is kept; 0: for ever")
    keep_audit_days: KeepDays = Field(730, description="days that the audit is kept; 0: for ever")
    keep_scores_days: KeepDays = Field(
        90, description="days that every score is kept; of earlier days the last of each subject and kind; 0: for ever"
    )
    keep_shadow_scores_days: KeepDays = Field(180, description="days that scores of challengers are kept; 0: for ever")
    keep_runs_days: KeepDays = Field(90, description="days that the records of flow runs are kept; 0: for ever")
    holdout_share: float = Field(
        0.2, ge=0, le=0.5, description="share of each contact list left out by chance, to measure what contacts do"
    )
    schedules: Annotated[str, AfterValidator(_schedules)] = Field(
        "",
        description="cron expressions (UTC) in place of the default ones, as `score=*/30 * * * *; monitor=off`; see "
        "[operating](operating.md#schedules)",
    )


def dashboard_url(settings: Settings) -> str:
    """The address of the dashboard for links, without a slash at its end."""
    return (settings.ui_url or f"http://127.0.0.1:{settings.ui_port}").rstrip("/")


def keep_periods(settings: Settings) -> Periods:
    """How long each kind of data is kept; kinds that are kept for ever are left out."""
    days = {kind: int(getattr(settings, f"keep_{kind.value}_days")) for kind in Kept}
    return {kind: timedelta(days=count) for kind, count in days.items() if count}


def variable_name(field: str) -> str:
    """The environment variable that sets a field."""
    return _UNPREFIXED.get(field, PREFIX + field.upper())


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Settings from an environment. White space around a value is left out: files of secrets end in a line break.

    An empty variable counts as unset, as compose files and CI write it.

    Raises InvalidSettings naming the variable that is wrong or unknown, and what to do.
    """
    variables = {variable_name(field): field for field in Settings.model_fields}
    _refuse_unknown(environ, variables)
    try:
        return Settings.model_validate({field: value for field, value in _values(environ, variables) if value})
    except ValidationError as error:
        raise InvalidSettings(_in_words(error)) from None


def _values(environ: Mapping[str, str], variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The value of each field that has a variable. Raises InvalidSettings for control characters inside a value."""
    for name, field in variables.items():
        value = environ.get(name, "").strip()
        if any(category(character) == "Cc" for character in value):
            raise InvalidSettings(f"{name}: the value holds a line break or another control character: leave it out")
        yield field, value


def _refuse_unknown(environ: Mapping[str, str], variables: Mapping[str, str]) -> None:
    for name in environ:
        if name.startswith(PREFIX) and name not in variables:
            near = get_close_matches(name, variables, n=1, cutoff=0.8)  # all share their prefix
            hint = f"Did you mean {near[0]}?" if near else "See docs/settings.md for those there are."
            raise InvalidSettings(f"{name}: there is no such setting. {hint}")


def _in_words(error: ValidationError) -> str:
    # Never the value itself: it may hold a password.
    first = error.errors(include_url=False, include_input=False)[0]
    is_whole = first["type"].startswith("int_")
    said = "give a whole number" if is_whole else first["msg"].removeprefix("Value error, ")
    return f"{variable_name(str(first['loc'][0]))}: {said.replace('Input should be', 'must be', 1)}"
