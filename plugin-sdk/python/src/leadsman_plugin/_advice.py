"""What helps where a module is not found while a component is made."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

_ABSENT = re.compile(r"^ModuleNotFoundError: No module named '([\w.]+)'", re.MULTILINE)
_COMPILED = (".so", ".pyd")


def advice(told: str, search: list[Path]) -> str:
    """A line for the traceback of an import, or nothing. `search` is where modules are looked for."""
    found = _ABSENT.search(told)
    if found is None:
        return ""
    name = found[1]
    first = name.partition(".")[0]
    if first in sys.stdlib_module_names:
        return f"{name} of the standard library is not in the Python of components"
    compiled = _compiled(name, search)
    if compiled is not None:
        return (
            f"{name} is compiled for this machine ({compiled}), and a component has modules in "
            f"Python alone: {first} cannot be in it"
        )
    packages = search[-1]
    if _is_importable(first):
        where = " or ".join(map(str, search))
        return f"{sys.executable} finds {first} elsewhere; for a component it must be in {where}"
    return (
        f"{first} is neither in the project nor in {packages}: {sys.executable} -m pip install it"
    )


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
