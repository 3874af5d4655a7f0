"""Deployments on a Prefect server, read over its HTTP API without importing Prefect."""

from collections.abc import Mapping
from pathlib import Path

import httpx

from domain.errors import EngineUnavailable
from gateways.prefect_server.access import AUTH_FILE, HOST
from gateways.settings import Settings

DEPLOYMENT = "scheduled"
"""Name of the deployment of each scheduled flow."""

_PAGE = {"limit": 200}


def prefect_address(settings: Settings, environ: Mapping[str, str]) -> tuple[str, str | None]:
    """Address of the API and credentials `user:password`, None if there are none. Creates no secret."""
    address = environ.get("PREFECT_API_URL") or f"http://{HOST}:{settings.prefect_port}/api"
    return address, environ.get("PREFECT_API_AUTH_STRING") or settings.prefect_auth or _kept(settings.data_dir)


def active_deployments(address: str, auth: str | None, seconds: float) -> set[str]:
    """Names of the flows whose deployment `scheduled` has an active schedule.

    Raises EngineUnavailable if the server does not respond or refuses the credentials.
    """
    try:
        with httpx.Client(base_url=address, auth=_pair(auth), timeout=seconds) as api:
            deployments = api.post("/deployments/filter", json=_PAGE).raise_for_status().json()
            flows = api.post("/flows/filter", json=_PAGE).raise_for_status().json()
        names = {flow["id"]: flow["name"] for flow in flows}
        return {names[one["flow_id"]] for one in deployments if one["name"] == DEPLOYMENT and _is_active(one)}
    except httpx.HTTPStatusError as error:
        if error.response.status_code in (401, 403):
            raise EngineUnavailable(f"Prefect at {address} refuses the sign-in") from error
        raise EngineUnavailable(f"Prefect at {address} returns {error.response.status_code}") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise EngineUnavailable(f"Prefect at {address} does not respond ({type(error).__name__})") from error
    except (ValueError, KeyError, TypeError) as error:
        raise EngineUnavailable(f"the server at {address} is not Prefect") from error


def _is_active(deployment: Mapping[str, object]) -> bool:
    schedules = deployment.get("schedules")
    is_on = isinstance(schedules, list) and any(one.get("active") for one in schedules)
    return is_on and not deployment.get("paused")


def _pair(auth: str | None) -> tuple[str, str] | None:
    if auth is None:
        return None
    user, _, password = auth.partition(":")
    return user, password


def _kept(data_dir: Path) -> str | None:
    try:
        return (data_dir / AUTH_FILE).read_text().strip()
    except OSError:
        return None
