"""What `leadsman plugin dev` builds: a snapshot once, and then the edited sources written into it."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import sysconfig
from collections.abc import Callable
from pathlib import Path

from . import _area

_ENTRY = """\
from leadsman_plugin import _sandbox

_sandbox.enter()

from leadsman_plugin import _component, _hot_reload

_absent = _hot_reload.Absent()

import {module} as _project

_plugin = _component.found(_project, {name!r})
WitWorld = _component.world(
    _hot_reload.HotReload(_plugin, {module!r}, {name!r}, _absent, {fingerprint!r})
)
"""

_NOT_MODULES = {"__pycache__", "build", "dist", "node_modules", "vendor", "venv"}
"""Folders in a project that have no modules of it."""


def component(
    module: str, name: str | None, source: Path, snapshot: Path, take: Callable[[str], bytes]
) -> bytes:
    """A component of the modules in the folder `source`, made of `snapshot` if that fits.

    Otherwise a new one is taken of an entry module, and is left in that file.
    """
    fingerprint = _fingerprint(module, name, source)
    sources = _sources(source)
    if sources is not None and snapshot.is_file():
        filled = _area.filled(snapshot.read_bytes(), fingerprint, sources)
        if filled is not None:
            return filled
    taken = take(_ENTRY.format(module=module, name=name, fingerprint=fingerprint.hex()))
    # A build may be ended at any time, and half a snapshot must not look like one.
    written = snapshot.with_name(f"{snapshot.name}.part")
    written.write_bytes(taken)
    written.replace(snapshot)
    return taken


def _fingerprint(module: str, name: str | None, source: Path) -> bytes:
    """Stands for what a snapshot was taken of, besides the sources of the project."""
    sdk, packages = Path(__file__).parent, Path(sysconfig.get_path("purelib"))
    of = [module, name, str(source.resolve()), str(packages)]
    installed = [_stamps(sdk, "*.py"), _stamps(packages, "*.dist-info")]
    return hashlib.sha256(json.dumps([of, installed]).encode()).digest()


def _stamps(folder: Path, pattern: str) -> list[tuple[str, int]]:
    """What changes where a package is installed anew: names with their versions, and times."""
    found = []
    for path in folder.glob(pattern):
        # One that is being installed may be gone.
        with contextlib.suppress(OSError):
            found.append((path.name, path.stat().st_mtime_ns))
    return sorted(found)


def _sources(folder: Path) -> bytes | None:
    """All modules in a folder by their paths, or None if they are too many or cannot be compiled.

    Taking a snapshot says then what is wrong, in the Python of components.
    """
    found: dict[str, str] = {}
    size = 0
    for place, folders, files in os.walk(folder):
        # What is no identifier cannot be imported.
        folders[:] = [it for it in folders if it.isidentifier() and it not in _NOT_MODULES]
        for file in files:
            path = Path(place, file)
            if path.suffix != ".py":
                continue
            try:
                source = importlib.util.decode_source(path.read_bytes())
                compile(source, str(path), "exec", dont_inherit=True)
            # The last two are of what is nested too deeply.
            except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
                return None
            size += len(source)
            if size > _area.SIZE:
                return None
            found[path.relative_to(folder).as_posix()] = source
    return json.dumps(found, ensure_ascii=False).encode()
