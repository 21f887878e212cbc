"""What componentize-py is told, so that a snapshot depends on the sources and on nothing else."""

from __future__ import annotations

from pathlib import Path

from . import _startup

_ENTRY = "leadsman_entry"
_START = Path(__file__).with_name("_start.py")
_VARIABLES = {
    # The seed of hashes, which decide on the order of sets and on the place of everything in tables.
    "PYTHONHASHSEED": "0",
}


def arguments(scratch: Path, entry: str, search: list[Path]) -> list[str]:
    """The module to begin with, whose source is `entry`, and where modules are looked for.

    In the component, the folders of `search` are /0, /1 and so on.
    """
    # The first module that the interpreter imports is `encodings`, unless it is built in.
    library = _startup.library(_VARIABLES, "encodings", _START.read_text("utf-8"))
    own = scratch / "own"
    own.mkdir()
    (own / f"{_ENTRY}.py").write_text(entry, "utf-8")
    (own / _startup.FILE).write_bytes(library)
    # A folder that is not there would be left out, and those after it have another number.
    nothing = _packages(scratch)
    found = [folder if folder.is_dir() else nothing for folder in search]
    folders = [argument for folder in [*found, own] for argument in ("-p", str(folder))]
    return [_ENTRY, *folders]


def environment(scratch: Path) -> dict[str, str]:
    """Variables for componentize-py.

    It adds the packages of the active environment, or else those of any `python3` on the path, in as many
    folders as that has. So this is an environment without packages, and `search` has those of the project.
    """
    _packages(scratch).mkdir(parents=True)
    return {"VIRTUAL_ENV": str(scratch), "RUST_BACKTRACE": "0"}


def _packages(environment: Path) -> Path:
    return environment / "lib" / "site-packages"
