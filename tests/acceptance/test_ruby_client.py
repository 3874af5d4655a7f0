"""The Ruby client: its own tests, its signatures against another library, and its calls to the live API."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine
from standardwebhooks import Webhook

from gateways.settings import load_settings
from serving.resources import open_resources
from store.facts.load import load
from tests.lib.api_parts import KEY, NOW, marketplace, register, serving, small_model
from tests.lib.paths import ROOT

CLIENT = ROOT / "clients" / "ruby"
RUBY = shutil.which("ruby")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

pytestmark = pytest.mark.skipif(RUBY is None, reason="Ruby is not installed")


def _ruby(*arguments: str, environ: Mapping[str, str] | None = None, stdin: str = "") -> str:
    """Output of a Ruby program. Any warning fails the test."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("TUTOR_QUALITY_")}
    done = subprocess.run(
        [str(RUBY), "-w", "-Ilib", "-Itest", *arguments],
        cwd=CLIENT,
        env=mine | dict(environ or {}),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


def _tests(name: str, environ: Mapping[str, str] | None = None) -> tuple[int, int]:
    """Run the tests of a file, none of which may fail. Returns the numbers of tests run and skipped."""
    printed = _ruby(f"test/{name}_test.rb", environ=environ)
    summary = re.search(r"(\d+) runs, \d+ assertions, 0 failures, 0 errors, (\d+) skips", printed)
    assert summary, printed
    return int(summary[1]), int(summary[2])


@pytest.mark.parametrize(("name", "at_least"), [("webhook", 7), ("client", 10), ("retries", 6), ("docs", 9)])
def test_the_clients_own_tests_pass(name: str, at_least: int) -> None:
    ran, skipped = _tests(name)
    assert ran >= at_least
    assert skipped == 0


BODIES = ("", "{}", '{"test": 2432232314}', '{"name": "Zoë 🎓"}', "not JSON\n" * 100)


def _vectors() -> list[dict[str, str]]:
    moment = datetime(2026, 11, 23, 7, tzinfo=UTC)
    return [
        {
            "secret": SECRET,
            "id": f"evt_{number}",
            "timestamp": str(int(moment.timestamp())),
            "body": body,
            "signature": Webhook(SECRET).sign(f"evt_{number}", moment, body),
        }
        for number, body in enumerate(BODIES)
    ]


def test_it_signs_as_the_other_library_does(tmp_path: Path) -> None:
    file = tmp_path / "vectors.json"
    file.write_text(json.dumps(_vectors()))
    assert _tests("signature", {"TUTOR_QUALITY_VECTORS": str(file)}) == (4, 0)


SIGN = """
require "tutor_quality"
bodies = JSON.parse($stdin.read)
secrets = ENV["SECRETS"].split(",")
puts JSON.generate(bodies.map { |body| TutorQuality::Signature.headers(secrets, id: "e", body: body) })
"""


def test_the_other_library_takes_what_it_signs_by_either_secret() -> None:
    other = "whsec_" + "A" * 40
    signed = json.loads(_ruby("-e", SIGN, environ={"SECRETS": f"{SECRET},{other}"}, stdin=json.dumps(BODIES)))
    for body, headers in zip(BODIES, signed, strict=True):
        for secret in (SECRET, other):
            Webhook(secret).verify(body, headers, json_parse=False)


def test_all_it_does_works_against_the_live_service(engine: Engine, database_url: str, tmp_path: Path) -> None:
    load(engine, marketplace())
    register(engine, small_model())
    settings = load_settings({"TQS_DATA_DIR": str(tmp_path), "TQS_WEBHOOK_SECRETS": SECRET})
    resources = open_resources(database_url, KEY, settings, lambda: NOW)
    with serving(resources) as url:
        environ = {"TUTOR_QUALITY_URL": url, "TUTOR_QUALITY_API_KEY": KEY, "TUTOR_QUALITY_NOW": NOW.isoformat()}
        ran, skipped = _tests("live", environ | {"TUTOR_QUALITY_WEBHOOK_SECRETS": SECRET})
    resources.close()
    resources.engine.dispose()
    assert (ran, skipped) == (11, 0)
