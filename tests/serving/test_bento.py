"""The bento: a real build, imported with its declared packages only."""

import os
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.lib.paths import ROOT


@pytest.fixture(scope="module")
def bento(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a bento built by `bentoml build` in the project's environment."""
    home = tmp_path_factory.mktemp("bentoml")
    environ = {**os.environ, "BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True"}
    command = [sys.executable, "-m", "bentoml", "build", "--output", "tag"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    name, _, version = done.stdout.strip().splitlines()[-1].removeprefix("__tag__:").partition(":")
    return home / "bentos" / name / version


def test_a_built_bento_imports_with_its_own_files_and_declared_packages_alone(bento: Path) -> None:
    source = (bento / "src").resolve()
    script = str(ROOT / "tests" / "lib" / "bare_import.py")
    requirements = str(bento / "env" / "python" / "requirements.txt")
    command = [sys.executable, "-S", script, sysconfig.get_paths()["purelib"], requirements, "serving.service"]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (source / done.stdout.splitlines()[-1]).resolve() == source / "serving" / "service.py"


def test_a_bento_asks_for_the_packages_the_project_asks_for() -> None:
    declared = yaml.safe_load((ROOT / "bentofile.yaml").read_text())["python"]["packages"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(declared) <= set(project["dependencies"])
