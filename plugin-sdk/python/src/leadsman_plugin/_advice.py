"""What helps where a module is not found while a component is made."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

_ABSENT = re.compile(r"^ModuleNotFoundError: No module named '([\w.]+)'", re.MULTILINE)
_COMPILED = (".so", ".pyd")
_WASM = b"\0asm"


def advice(told: str, search: list[Path]) -> str:
    """A line for what componentize-py told, or nothing. `search` is where modules are looked for."""
    found = _ABSENT.search(told)
    if found is None:
        return "" if "Traceback" in told else _of_linking(search)
    name = found[1]
    first = name.partition(".")[0]
    if first in sys.stdlib_module_names:
        return f"{name} of the standard library is not in the Python of components"
    compiled = _compiled(name, search)
    if compiled is not None:
        return f"{name} {_not_within(compiled)}: {first} cannot be in it{_INSTEAD}"
    packages = search[-1]
    if _is_importable(first):
        where = " or ".join(map(str, search))
        return f"{sys.executable} finds {first} elsewhere; for a component it must be in {where}"
    return (
        f"{first} is neither in the project nor in {packages}: {sys.executable} -m pip install it"
    )


_INSTEAD = "; use a package that is Python alone, or what Python itself has"


def _not_within(compiled: Path) -> str:
    where = "WASI" if _is_wasm(compiled) else "this machine"
    return f"is compiled for {where} ({compiled}), and a component has modules in Python alone"


def _of_linking(search: list[Path]) -> str:
    """componentize-py links each extension for WASI that it finds, whether it is imported or not."""
    for folder in search:
        for path in sorted(folder.rglob("*.so")):
            if path.is_file() and _is_wasm(path):
                name = path.relative_to(folder).parts[0].partition(".")[0]
                return f"{name} {_not_within(path)}: take it out of {folder}{_INSTEAD}"
    return ""


def _is_wasm(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_WASM)) == _WASM


def _compiled(name: str, search: list[Path]) -> Path | None:
    *parents, last = name.split(".")
    for folder in search:
        for path in sorted(folder.joinpath(*parents).glob(f"{last}.*")):
            if path.suffix in _COMPILED:
                return path
    return None


def _is_importable(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False
