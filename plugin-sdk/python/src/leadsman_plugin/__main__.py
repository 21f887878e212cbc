"""`python -m leadsman_plugin build`: the component of a project."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import _dev, _snapshot
from . import _wasm as wasm
from ._advice import advice
from ._canonical import UnknownComponent, canonical

COMPONENTIZE_PY = "0.25.1"
"""The version whose output is known to load. Others make other components."""
_GET = f"pip install componentize-py=={COMPONENTIZE_PY}"
SECTION = b"leadsman:fixtures"

_ENTRY = """\
from leadsman_plugin import _sandbox

_sandbox.enter()

import {module} as _project
from leadsman_plugin import _component

_plugin = _component.found(_project, {name!r})
WitWorld = _component.world(lambda: _plugin)
"""


class CannotBuild(Exception):
    """What is missing, and how to get it."""


@dataclass(frozen=True)
class Project:
    """What `pyproject.toml` says of a plugin."""

    folder: Path
    module: str
    plugin: str | None
    source: Path
    """The folder that the module is imported from."""

    @classmethod
    def read(cls, folder: Path) -> Project:
        """Reads `pyproject.toml`. Raises CannotBuild."""
        path = folder / "pyproject.toml"
        try:
            written: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise CannotBuild(
                f"{folder} has no pyproject.toml; `leadsman plugin new NAME --language python` "
                "makes a project"
            ) from None
        except ValueError as error:
            raise CannotBuild(f"{path}: {error}") from None
        name = written.get("project", {}).get("name", "")
        said = written.get("tool", {}).get("leadsman", {}).get("plugin")
        module, _, plugin = str(said or name.replace("-", "_")).partition(":")
        if not all(part.isidentifier() for part in module.split(".")):
            raise CannotBuild(
                f'{path}: say which module has the plugin: [tool.leadsman] plugin = "MODULE" or '
                '"MODULE:FUNCTION"'
            )
        first = module.split(".")[0]
        for source in (folder, folder / "src"):
            if (source / f"{first}.py").is_file() or (source / first / "__init__.py").is_file():
                return cls(folder, module, plugin or None, source)
        raise CannotBuild(f"there is no module {first} in {folder} or {folder / 'src'}")


def build(
    project: Project, output: Path, fixtures: Path | None, snapshot: Path | None = None
) -> None:
    """Makes the component, and packs the fixtures of a folder into it. Raises CannotBuild.

    With `snapshot`, a component for `leadsman plugin dev`: of the snapshot in that file, if it can be.
    """
    _check_tool()
    if snapshot is None:
        entry = _ENTRY.format(module=project.module, name=project.plugin)
        component = _taken(project, entry)
    else:
        component = _dev.component(
            project.module,
            project.plugin,
            project.source,
            snapshot,
            lambda entry: _taken(project, entry),
        )
    output.write_bytes(component + (_packed(fixtures) if fixtures else b""))


def _taken(project: Project, entry: str) -> bytes:
    """A new snapshot that begins with a module of this source. Raises CannotBuild."""
    package = Path(__file__).parent
    search = [project.source, package.parent, Path(sysconfig.get_path("purelib"))]
    with tempfile.TemporaryDirectory(prefix="leadsman-plugin-") as folder:
        scratch = Path(folder)
        made = scratch / "made.wasm"
        command = ["-q", "-d", str(package / "plugin.wit"), "-w", "mapping", "componentize"]
        command += _snapshot.arguments(scratch, entry, search)
        command += ["--stub-wasi", "-o", str(made)]
        run = subprocess.run(
            [sys.executable, "-c", "from componentize_py import script; script()", *command],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **_snapshot.environment(scratch)},
        )
        if run.returncode != 0:
            raise CannotBuild(_told(run.stdout + run.stderr, project, search))
        try:
            return canonical(made.read_bytes())
        except UnknownComponent as error:
            instead = f"{_GET} --force-reinstall"
            raise CannotBuild(
                f"{error}, so that it might differ in each build or be wrong: "
                f"{advice('', search) or instead}"
            ) from None


def _told(output: str, project: Project, search: list[Path]) -> str:
    """What componentize-py said, without its own stack: the traceback of the project's module."""
    _, _, told = output.rpartition("AssertionError: ")
    told = told or output
    # Its causes are its own stack, unless they are all that there is.
    told = told.split("\n\nCaused by:")[0].strip() or told.strip()
    for at, folder in enumerate(search):
        told = told.replace(f'"/{at}/', f'"{folder}/')
    lines = [f"the module {project.module} could not be loaded to take the snapshot:", told]
    return "\n".join([*lines, *filter(None, [advice(told, search)])])


def _check_tool() -> None:
    try:
        version = importlib.metadata.version("componentize-py")
    except importlib.metadata.PackageNotFoundError:
        raise CannotBuild(f"componentize-py is not installed: {_GET}") from None
    if version != COMPONENTIZE_PY:
        raise CannotBuild(f"componentize-py is {version}, and {COMPONENTIZE_PY} is needed: {_GET}")


def _packed(folder: Path) -> bytes:
    """The fixtures as the custom section that the adapter looks for."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append({"name": path.stem, "fixture": json.loads(path.read_text("utf-8"))})
        except ValueError as error:
            raise CannotBuild(f"{path}: {error}") from None
    if not found:
        return b""
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()
    return wasm.binary([(wasm.CUSTOM, wasm.sized(SECTION) + text)])


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="leadsman-plugin", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("build", help="make the component of a project")
    command.add_argument("folder", nargs="?", type=Path, default=Path("."))
    command.add_argument("-o", "--output", type=Path, help="NAME.wasm in the project if left out")
    command.add_argument("--fixtures", type=Path, help="the folder `fixtures` if left out")
    command.add_argument("--no-fixtures", action="store_true", help="pack none")
    command.add_argument("--snapshot", type=Path, help=argparse.SUPPRESS)
    command.add_argument("-q", "--quiet", action="store_true", help="print errors alone")
    given = parser.parse_args(arguments)
    try:
        project = Project.read(given.folder)
        output = given.output or given.folder / f"{project.module}.wasm"
        fixtures = None if given.no_fixtures else given.fixtures or given.folder / "fixtures"
        build(project, output, fixtures, given.snapshot)
    except CannotBuild as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    if not given.quiet:
        print(f"{output}: {output.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
