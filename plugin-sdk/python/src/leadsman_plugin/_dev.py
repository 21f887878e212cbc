"""What `leadsman plugin dev` builds: a snapshot once, and then the edited sources written into it."""

from __future__ import annotations

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

import {module} as _project
from leadsman_plugin import _component, _hot_reload

_plugin = _component.found(_project, {name!r})
WitWorld = _component.world(
    _hot_reload.HotReload(_plugin, {module!r}, {name!r}, {fingerprint!r})
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
    of = [module, name, str(source.resolve()), sysconfig.get_path("purelib")]
    return hashlib.sha256(json.dumps(of).encode()).digest()


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
            except (OSError, SyntaxError, ValueError):
                return None
            size += len(source)
            if size > _area.SIZE:
                return None
            found[path.relative_to(folder).as_posix()] = source
    return json.dumps(found, ensure_ascii=False).encode()
