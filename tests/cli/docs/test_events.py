"""Agreement of docs/events.md with the code: the manual recipe works, and every type matches the schema."""

import json
import re
import shutil
import subprocess

import pytest
from sqlalchemy import Engine

from gateways.clock import utc_now
from gateways.rails.signatures import Signatures
from serving.resources import Resources
from serving.state.champions import Champions
from tests.lib.api_parts import KEY, serving
from tests.lib.event_parts import SECRET, inbox
from tests.lib.paths import ROOT

PAGE = ROOT / "docs" / "events.md"
TOOLS = ("bash", "curl", "openssl", "od", "base64")


@pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason=f"one of {', '.join(TOOLS)} is not installed")
def test_the_recipe_by_hand_is_taken(engine: Engine) -> None:
    (recipe,) = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    resources = Resources(engine, Champions(engine), KEY, utc_now, signatures=Signatures((SECRET,)))
    with serving(resources) as address:
        environ = {"URL": address, "SECRET": SECRET, "PATH": "/usr/bin:/bin"}
        ran = subprocess.run(["bash", "-euc", recipe], env=environ, capture_output=True, text=True, timeout=20)
    resources.close()
    taken = json.loads(ran.stdout)
    assert (taken["id"][:4], taken["status"]) == ("try-", "accepted"), ran.stderr
    assert [row.type for row in inbox(engine)] == ["tutor.updated"]
