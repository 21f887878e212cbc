"""What needs the sandbox: examples and hostile behaviour as components, loaded by the adapter.

Needs componentize-py, and the adapter's program in the variable LEADSMAN; each component takes some
seconds to make and to load.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from leadsman_plugin import __main__ as cli

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
SHIPPED = HERE / "../../../plugins"
HOSTILE = HERE / "hostile"

# How far hosts differ in speed is no matter of these tests; the builds are.
needs_componentize_py = pytest.mark.skipif(
    subprocess.run(
        [sys.executable, "-c", "import componentize_py"], capture_output=True, check=False
    ).returncode
    != 0,
    reason="componentize-py is not installed",
)
needs_leadsman = pytest.mark.skipif(
    "LEADSMAN" not in os.environ, reason="LEADSMAN does not name the adapter's program"
)


def inspect(component: Path) -> str:
    """What the adapter says when it loads a component and runs its fixtures."""
    command = [os.environ["LEADSMAN"], "plugin", "inspect", str(component)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def built(folder: Path, output: Path, fixtures: Path | None) -> Path:
    cli.build(cli.Project.read(folder), output, fixtures)
    return output


@needs_componentize_py
@needs_leadsman
@pytest.mark.parametrize(
    ("example", "fixtures"),
    [
        ("ratio", SHIPPED / "ratio/fixtures"),
        ("per_object", SHIPPED / "per-object/fixtures"),
        ("external", SHIPPED / "external/fixtures"),
        ("percentile", SHIPPED / "percentile/fixtures"),
        ("alb_pool", SHIPPED / "alb-pool/fixtures"),
        ("trend", EXAMPLES / "trend/fixtures"),
    ],
)
def test_a_port_passes_the_fixtures_as_a_component(
    example: str, fixtures: Path, tmp_path: Path
) -> None:
    component = built(EXAMPLES / example, tmp_path / "made.wasm", fixtures)
    count = len(list(fixtures.glob("*.json")))
    told = inspect(component)
    assert f"fixtures {count} passed" in told, told
    assert component.stat().st_size < 32 << 20


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(HOSTILE, tmp_path_factory.mktemp("hostile") / "hostile.wasm", None)


@needs_componentize_py
@needs_leadsman
def test_what_a_plugin_does_not_have_is_told(hostile: Path, tmp_path: Path) -> None:
    component = tmp_path / "told.wasm"
    component.write_bytes(hostile.read_bytes() + cli._packed(HOSTILE / "told"))
    count = len(list((HOSTILE / "told").glob("*.json")))
    told = inspect(component)
    assert f"fixtures {count} passed" in told, told


@needs_componentize_py
@needs_leadsman
@pytest.mark.parametrize("do", json.loads((HOSTILE / "stopped.json").read_text()))
def test_what_does_not_end_is_stopped_with_a_reason(do: str, hostile: Path, tmp_path: Path) -> None:
    words = json.loads((HOSTILE / "stopped.json").read_text())[do]
    fixture = {"config": {"do": do}, "namespace": "d", "expect": {"measures": []}}
    (tmp_path / f"{do}.json").write_text(json.dumps(fixture))
    component = tmp_path / "stopped.wasm"
    component.write_bytes(hostile.read_bytes() + cli._packed(tmp_path))
    assert words in inspect(component)


def project(folder: Path, source: str, extra: str = "") -> Path:
    (folder / "pyproject.toml").write_text(f'[project]\nname = "mine"\n{extra}')
    (folder / "mine.py").write_text(source)
    return folder


def refusal(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.main(["build", str(folder)]) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert not list(folder.glob("*.wasm"))
    return told


PLUGIN = """\
from leadsman_plugin import Measures, plugin
@plugin(name="{0}", about="x")
def {0}(input) -> Measures:
    return Measures()
"""


@needs_componentize_py
def test_a_build_writes_nothing_beside_the_sources_of_the_sdk(tmp_path: Path) -> None:
    package = tmp_path / "sdk/leadsman_plugin"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(cli.__file__).parent, package, ignore=ignored)
    own = tmp_path / "own"
    own.mkdir()
    command = [sys.executable, "-B", "-m", "leadsman_plugin", "build"]
    subprocess.run(
        [*command, str(project(own, PLUGIN.format("a"))), "--quiet"],
        env={**os.environ, "PYTHONPATH": str(package.parent)},
        check=True,
    )
    assert (own / "mine.wasm").is_file()
    assert not (package / "__pycache__").exists()


PACKAGES = """\
import importlib.resources
import pathlib

import installed
from own.deep import VALUE
from spread import part

HERE = pathlib.Path(__file__).parent
files = importlib.resources.files
assert (installed.VALUE, VALUE, part.VALUE) == (1, 2, 3)
assert files("own").joinpath("data/t.txt").read_text() == "own"
assert files("spread.data").joinpath("t.txt").read_text() == "spread"
with open(HERE / "table.txt") as table:
    assert (table.name, table.mode, list(table)) == (HERE / "table.txt", "r", ["a\\n", "b"])
try:
    open(HERE)
except IsADirectoryError as error:
    assert error.filename == str(HERE)
else:
    raise AssertionError
"""


@needs_componentize_py
def test_modules_are_those_of_the_project_and_of_the_environment_that_builds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, content in {
        "packages/installed/__init__.py": "VALUE = 1",
        "project/own/__init__.py": "",
        "project/own/deep.py": "VALUE = 2",
        "project/own/data/t.txt": "own",
        "project/spread/part.py": "VALUE = 3",
        "project/spread/data/t.txt": "spread",
        "project/table.txt": "a\nb",
        # Another environment, and a python3 of the path that has two folders with packages.
        "other/lib/python3/site-packages/installed/__init__.py": "VALUE = 4",
        "bin/python3": f"#!/bin/sh\necho '{tmp_path}/bin;{tmp_path}/other'",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (tmp_path / "bin/python3").chmod(0o755)
    folder = project(tmp_path / "project", PACKAGES + PLUGIN.format("a"))
    monkeypatch.setattr(cli.sysconfig, "get_path", lambda _: str(tmp_path / "packages"))
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "other"))
    active = built(folder, tmp_path / "active.wasm", None).read_bytes()
    monkeypatch.delenv("VIRTUAL_ENV")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    assert built(folder, tmp_path / "none.wasm", None).read_bytes() == active


@needs_componentize_py
@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import absent", ["mine.py", "line 1", "No module named 'absent'\nabsent is"]),
        ("x = 1\ny = x / 0", ["mine.py", "line 2", "ZeroDivisionError: division by zero"]),
        ("x = (", ["mine.py", "SyntaxError"]),
        ("x = 1", ["has to have one function that is decorated with @plugin; it has none"]),
        (PLUGIN.format("a") + PLUGIN.format("b"), ["it has a, b", 'plugin = "mine:NAME"']),
    ],
)
def test_a_module_that_cannot_be_loaded_is_told_with_its_line(
    source: str, told: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = refusal(project(tmp_path, source), capsys)
    for part in told:
        assert part in found
    assert "backtrace" not in found


@needs_componentize_py
def test_a_compiled_module_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = project(tmp_path, "import quick")
    compiled = folder / "quick.cpython-311-x86_64-linux-gnu.so"
    compiled.write_bytes(b"\x7fELF")
    assert f"quick is compiled for this machine ({compiled})" in refusal(folder, capsys)
    compiled.unlink()
    # It is linked without being imported, and this one cannot be.
    project(tmp_path, PLUGIN.format("a"))
    compiled = folder / "quick.cpython-314-wasm32-wasi.so"
    compiled.write_bytes(b"\0asm\1\0\0\0")
    assert f"quick is compiled for WASI ({compiled})" in refusal(folder, capsys)


def test_what_is_missing_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "has no pyproject.toml" in refusal(tmp_path, capsys)
    project(tmp_path, "", '[tool.leadsman]\nplugin = "other"\n')
    assert "there is no module other in" in refusal(tmp_path, capsys)
    project(tmp_path, "", '[tool.leadsman]\nplugin = "not-a-module"\n')
    assert "say which module has the plugin" in refusal(tmp_path, capsys)
    project(tmp_path, "")
    monkeypatch.setattr(cli.importlib.metadata, "version", lambda _: "0.17.0")
    told = "componentize-py is 0.17.0, and 0.25.1 is needed: pip install componentize-py==0.25.1"
    assert told in refusal(tmp_path, capsys)

    def absent(_: str) -> str:
        raise cli.importlib.metadata.PackageNotFoundError

    monkeypatch.setattr(cli.importlib.metadata, "version", absent)
    assert "componentize-py is not installed: pip install" in refusal(tmp_path, capsys)


def test_fixtures_that_are_no_json_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(cli.CannotBuild, match=r"a\.json: Expecting property name"):
        cli._packed(tmp_path)
    (tmp_path / "a.json").write_text("{}")
    packed = cli._packed(tmp_path)
    assert packed.startswith(b"\0") and b'leadsman:fixtures[{"name":"a","fixture":{}}]' in packed
