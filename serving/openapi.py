"""The API's description, for docs/openapi.json: `python -m serving.openapi > docs/openapi.json`."""

import json
import sys

from serving.app import create_app
from serving.resources import Resources


def document() -> str:
    """The OpenAPI document as indented JSON."""
    return json.dumps(create_app(_nothing).openapi(), indent=2, ensure_ascii=False) + "\n"


def _nothing() -> Resources:
    raise RuntimeError("the API's description needs no resources")


if __name__ == "__main__":
    sys.stdout.write(document())
