"""Settings of one installation, read from an environment passed as an argument."""

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
_UNPREFIXED = {"database_url": "DATABASE_URL"}  # the name that hosting platforms use
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
                f"give whsec_ and at least {SECRET_BYTES} random bytes in base64; separate two secrets with a comma"
            )
    if secrets.count(",") > 1:
        raise ValueError("give one secret, or two during a rotation")
    return secrets


def _sign_in(sign_in: str) -> str:
    user, separator, password = sign_in.partition(":")
    if not (user and separator and len(password) >= SIGN_IN_CHARACTERS and sign_in.isascii() and sign_in.isprintable()):
        raise ValueError(f"give user:password in ASCII, with a password of at least {SIGN_IN_CHARACTERS} characters")
    return sign_in


def _token(token: str) -> str:
    if not fullmatch(r"[!-~]+", token):
        raise ValueError("give one line of ASCII without spaces, since it is sent in a header")
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
"""Minimum length of a webhook secret, in bytes."""

SIGN_IN_CHARACTERS = 16
"""Minimum password length for the MLflow and Prefect pages, in characters."""

Port = Annotated[int, Field(ge=1, le=65535)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]


def _keep_days(days: int) -> int:
    if days and days < LEAST.days:
        raise ValueError(f"give 0 for no limit, or at least {LEAST.days} days")
    return days


KeepDays = Annotated[int, Field(ge=0, le=36_500), AfterValidator(_keep_days)]


class Compute(StrEnum):
    """Engine that computes features of a large marketplace in parts."""

    THREADS = "threads"
    DASK = "dask"


class LimitStorage(StrEnum):
    """Storage of rate-limit counters: `memory` for a single API process, `postgresql` for any number."""

    MEMORY = "memory"
    POSTGRESQL = "postgresql"


class Settings(BaseModel):
    """Settings of an installation.

    A plain model instead of one that reads the process environment: `load_settings` takes the environment as an
    argument, so that tests and several installations in one process cannot mix their settings.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: Path = Field(Path(".data"), description="folder for the embedded database, models and reports")
    database_url: Annotated[str, AfterValidator(_psycopg2_url)] | None = Field(
        None, repr=False, description="PostgreSQL server; if unset, an embedded one is started in the data folder"
    )
    api_key: Annotated[str, AfterValidator(_token)] | None = Field(
        None, repr=False, description="API key of the installation; generated if unset"
    )
    api_port: Port = Field(3000, description="port of the API")
    api_workers: int = Field(
        1, ge=1, le=64, description="API worker processes; values above 1 require TQS_RATE_LIMIT_STORAGE=postgresql"
    )
    rate_limit: Annotated[str, AfterValidator(_rate_limit)] = Field(
        "6000/minute", description="rate limit of one caller, such as `600/minute`"
    )
    rate_limit_storage: LimitStorage = Field(
        LimitStorage.MEMORY, description="storage of rate-limit counters: `memory` (a single process) or `postgresql`"
    )
    streams_per_key: int = Field(
        20, ge=1, le=500, description="open event streams and WebSockets allowed per API key, in each API process"
    )
    token_secret: Annotated[str, Field(min_length=32)] | None = Field(
        None, repr=False, description="secret that signs access tokens, at least 32 characters; generated if unset"
    )
    webhook_secrets: Annotated[str, AfterValidator(_secrets)] | None = Field(
        None,
        repr=False,
        description="secret that Rails signs its events with, whsec_…; two, separated by a comma, during a rotation; "
        "generated if unset",
    )
    rails_webhook_url: Annotated[str, AfterValidator(_web_url)] | None = Field(
        None, description="address for webhooks to Rails; if unset, none are sent"
    )
    rails_webhook_secrets: Annotated[str, AfterValidator(_secrets)] | None = Field(
        None, repr=False, description="secret that signs webhooks to Rails, as above; TQS_WEBHOOK_SECRETS if unset"
    )
    rails_url: Annotated[str, AfterValidator(_web_url)] | None = Field(
        None, description="address of the Rails app, queried for missing events"
    )
    rails_token: Annotated[str, AfterValidator(_token)] | None = Field(
        None, repr=False, description="bearer token for the Rails app"
    )
    ui_port: Port = Field(5006, description="port of the dashboard")
    ui_url: Annotated[str, AfterValidator(_web_url)] | None = Field(
        None,
        description="public address of the dashboard, for links in mails; http://127.0.0.1:5006 if unset",
    )
    mlflow_port: Port = Field(5000, description="port of the MLflow pages")
    mlflow_auth: Annotated[str, AfterValidator(_sign_in)] | None = Field(
        None, repr=False, description="credentials of the MLflow pages, `user:password`; generated if unset"
    )
    prefect_port: Port = Field(4200, description="port of the Prefect server")
    prefect_auth: Annotated[str, AfterValidator(_sign_in)] | None = Field(
        None, repr=False, description="credentials of the Prefect server, `user:password`; generated if unset"
    )
    mail_from: MailAddress = Field("tutor-quality@localhost.localdomain", description="sender of reports")
    mail_to: MailAddress = Field("admin@localhost.localdomain", description="recipient of reports")
    smtp_url: Annotated[str, AfterValidator(_smtp_url)] | None = Field(
        None, description="mail server, smtp://host:port; if unset, no mail is sent"
    )
    gate: GateMode = Field(
        GateMode.ON,
        description="`on`: only a training that passes the gate becomes champion; `dry_run`: the gate's decision is "
        "recorded, and the newest training becomes champion; `off`: the newest becomes champion without a check",
    )
    engine: Compute = Field(
        Compute.THREADS,
        description="engine that computes features: `threads` of one process, or `dask` workers (extra `scale`)",
    )
    workers: int = Field(2, ge=1, description="number of parts of the marketplace that are computed in parallel")
    dask_scheduler: Annotated[str, AfterValidator(_scheduler)] | None = Field(
        None,
        description="running Dask scheduler, tcp://host:port, whose workers can read the data folder; if unset, local "
        "workers are started",
    )
    seed: int = Field(7, ge=0, description="random seed of the simulator, splits, training and contact holdout")
    contacts_per_day: int = Field(
        20, ge=0, description="tutors that can be contacted per day about tomorrow's sessions"
    )
    keep_inbox_days: KeepDays = Field(30, description="days to keep the content of finished events; 0: no limit")
    keep_changes_days: KeepDays = Field(30, description="days to keep score changes; 0: no limit")
    keep_deliveries_days: KeepDays = Field(
        30, description="days to keep webhooks to Rails that were delivered or abandoned; 0: no limit"
    )
    keep_mails_days: KeepDays = Field(90, description="days to keep the content of sent mails; 0: no limit")
    keep_audit_days: KeepDays = Field(730, description="days to keep the audit log; 0: no limit")
    keep_scores_days: KeepDays = Field(
        90, description="days to keep every score; for earlier days, the last of each subject and kind; 0: no limit"
    )
    keep_shadow_scores_days: KeepDays = Field(180, description="days to keep scores of challengers; 0: no limit")
    keep_runs_days: KeepDays = Field(90, description="days to keep records of flow runs; 0: no limit")
    holdout_share: float = Field(
        0.2,
        ge=0,
        le=0.5,
        description="share of each contact list held out at random, to measure the effect of contacts",
    )
    schedules: Annotated[str, AfterValidator(_schedules)] = Field(
        "",
        description="cron expressions (UTC) that override the defaults, such as `score=*/30 * * * *; monitor=off`; see "
        "[operating](operating.md#schedules)",
    )


def dashboard_url(settings: Settings) -> str:
    """Address of the dashboard for links, without a trailing slash."""
    return (settings.ui_url or f"http://127.0.0.1:{settings.ui_port}").rstrip("/")


def keep_periods(settings: Settings) -> Periods:
    """Retention period of each kind of data, without the kinds that are kept indefinitely."""
    days = {kind: int(getattr(settings, f"keep_{kind.value}_days")) for kind in Kept}
    return {kind: timedelta(days=count) for kind, count in days.items() if count}


def variable_name(field: str) -> str:
    """Environment variable of a settings field."""
    return _UNPREFIXED.get(field, PREFIX + field.upper())


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings from an environment. White space around a value is stripped: secret files end in a line break.

    An empty variable counts as unset, as in compose files and CI.

    Raises InvalidSettings naming the invalid or unknown variable, and what to do.
    """
    variables = {variable_name(field): field for field in Settings.model_fields}
    _refuse_unknown(environ, variables)
    try:
        return Settings.model_validate({field: value for field, value in _values(environ, variables) if value})
    except ValidationError as error:
        raise InvalidSettings(_in_words(error)) from None


def _values(environ: Mapping[str, str], variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Stripped value of each field's variable. Raises InvalidSettings for control characters inside a value."""
    for name, field in variables.items():
        value = environ.get(name, "").strip()
        if any(category(character) == "Cc" for character in value):
            raise InvalidSettings(f"{name}: the value contains a line break or another control character: remove it")
        yield field, value


def _refuse_unknown(environ: Mapping[str, str], variables: Mapping[str, str]) -> None:
    for name in environ:
        if name.startswith(PREFIX) and name not in variables:
            near = get_close_matches(name, variables, n=1, cutoff=0.8)  # all share their prefix
            hint = f"Did you mean {near[0]}?" if near else "See docs/settings.md for all settings."
            raise InvalidSettings(f"{name}: there is no such setting. {hint}")


def _in_words(error: ValidationError) -> str:
    # Never the value itself: it may contain a password.
    first = error.errors(include_url=False, include_input=False)[0]
    is_whole = first["type"].startswith("int_")
    message = "give a whole number" if is_whole else first["msg"].removeprefix("Value error, ")
    return f"{variable_name(str(first['loc'][0]))}: {message.replace('Input should be', 'must be', 1)}"
