"""The plugin of the sources that `leadsman plugin dev` has written into a component.

They are executed in place of the project's modules that the snapshot has, each time that the component
is instantiated. What they import must be in the snapshot, and there is nothing else to be read. If
that does not do, the component fails before it describes itself, and a new snapshot is taken.
"""

from __future__ import annotations

import importlib
import json
import sys
from types import ModuleType
from typing import Any

import _frozen_importlib

from . import _area
from ._component import found
from ._plugin import Plugin

_PROJECT = "/0/"
"""Where the modules of the project are, as componentize-py mounts their folder."""


class HotReload:
    """Calling it gives the plugin of the newest sources: those of the snapshot, if there are no others."""

    def __init__(self, plugin: Plugin, module: str, name: str | None, fingerprint: str) -> None:
        self._plugin, self._module, self._name = plugin, module, name
        self._area = _area.reserved(bytes.fromhex(fingerprint))
        self._is_new = False

    def __call__(self) -> Plugin:
        if not self._is_new:
            content = _area.content(self._area)
            if content is not None:
                self._plugin = self._executed(json.loads(content))
            self._is_new = True
        return self._plugin

    def _executed(self, sources: dict[str, str]) -> Plugin:
        for name in [name for name, module in sys.modules.items() if _is_of_project(module)]:
            del sys.modules[name]
        sys.meta_path.insert(0, _Finder(sources))
        return found(importlib.import_module(self._module), self._name)


def _is_of_project(module: ModuleType) -> bool:
    # A package without an `__init__.py` has no file, only folders.
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", [])]
    return any(str(place).startswith(_PROJECT) for place in places)


class _Finder:
    """Finds modules in sources by their paths below the project's folder."""

    def __init__(self, sources: dict[str, str]) -> None:
        self._sources = sources

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        base = name.replace(".", "/")
        for file, is_package in ((f"{base}/__init__.py", True), (f"{base}.py", False)):
            if file in self._sources:
                spec = _frozen_importlib.ModuleSpec(
                    name,
                    self,  # type: ignore[arg-type]
                    origin=_PROJECT + file,
                    is_package=is_package,
                )
                spec.has_location = True
                return spec
        if any(file.startswith(f"{base}/") for file in self._sources):
            return _frozen_importlib.ModuleSpec(name, None, is_package=True)
        return None

    def create_module(self, spec: Any) -> None:
        """The usual kind of module."""

    def exec_module(self, module: ModuleType) -> None:
        file = str(module.__file__)
        source = self._sources[file.removeprefix(_PROJECT)]
        exec(compile(source, file, "exec", dont_inherit=True), module.__dict__)
