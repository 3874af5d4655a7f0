"""Our own app mounted as BentoML's documentation shows it: every request passes BentoML's middleware first."""

import bentoml

from serving.service import api, resources


@bentoml.service(name="mounted", traffic={"timeout": 30}, workers=1)
class Mounted:
    """The API only."""

    def __init__(self) -> None:
        resources()


Mounted.mount_asgi_app(api)  # type: ignore[attr-defined]
