"""OpenAPI document of the API: `python -m serving.openapi > docs/openapi.json`."""

import json
import sys
from collections.abc import Mapping

from serving.app import create_app, route_table
from serving.guard.permissions import Access
from serving.resources import Resources


def document() -> str:
    """The OpenAPI document as indented JSON."""
    return json.dumps(create_app(_no_resources).openapi(), indent=2, ensure_ascii=False) + "\n"


def declared_access() -> Mapping[tuple[str, str], Access]:
    """The declared access of every route, by method and path template."""
    return route_table(create_app(_no_resources)).entries


def _no_resources() -> Resources:
    raise RuntimeError("the OpenAPI document needs no resources")


if __name__ == "__main__":
    sys.stdout.write(document())
