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
    (scratch / f"{_ENTRY}.py").write_text(entry, "utf-8")
    (scratch / _startup.FILE).write_bytes(library)
    folders = [argument for folder in [*search, scratch] for argument in ("-p", str(folder))]
    return [_ENTRY, *folders]
