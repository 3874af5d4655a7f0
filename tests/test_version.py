"""Sources of versions: the project's in pyproject.toml, the API's in domain/events."""

import json
import re
import tomllib

import pytest

from cli.main import app
from domain.events.events import VERSION
from serving.openapi import document
from tests.lib.paths import ROOT


def test_the_command_prints_the_version_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    with pytest.raises(SystemExit):
        app()(["--version"])
    assert capsys.readouterr().out == f"tqs {declared}\n"


def test_the_api_description_and_the_ruby_client_have_the_version_of_the_api() -> None:
    ruby = (ROOT / "clients" / "ruby" / "lib" / "tutor_quality" / "version.rb").read_text()
    assert json.loads(document())["info"]["version"] == VERSION
    assert re.findall(r'API_VERSION = "(.+)"', ruby) == [VERSION]
