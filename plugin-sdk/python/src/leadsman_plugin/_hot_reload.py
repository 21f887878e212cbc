"""The plugin of the sources that `leadsman plugin dev` has written into a component.

They are executed in place of the project's modules that the snapshot has, each time that the component
is instantiated. What they import must be in the snapshot, and there is nothing else to be read. If
that does not do, the component fails before it describes itself, and a new snapshot is taken. So a module
that the snapshot lacks is no ImportError, which sources may catch to do without it.
"""

from __future__ import annotations

import importlib
import io
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


class NotInSnapshot(BaseException):
    """The sources import a module that a new snapshot may have."""


class Absent:
    """Notes the modules that are looked for and not found when a snapshot is taken."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        # The last one that is asked.
        sys.meta_path.append(self)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        self.names.add(name)


class HotReload:
    """Calling it gives the plugin of the newest sources: those of the snapshot, if there are no others."""

    def __init__(
        self, plugin: Plugin, module: str, name: str | None, absent: Absent, fingerprint: str
    ) -> None:
        self._plugin, self._module, self._name, self._absent = plugin, module, name, absent
        self._area = _area.reserved(bytes.fromhex(fingerprint))
        self._is_new = False

    def __call__(self) -> Plugin:
        if not self._is_new:
            content = _area.content(self._area)
            if content is not None:
                try:
                    self._plugin = self._executed(json.loads(content))
                except BaseException:
                    # The snapshot that is taken then says what is wrong.
                    sys.stderr = io.StringIO()
                    raise
            self._is_new = True
        return self._plugin

    def _executed(self, sources: dict[str, str]) -> Plugin:
        for name in [name for name, module in sys.modules.items() if _is_of_project(module)]:
            del sys.modules[name]
        finder = _Finder(sources, self._absent.names)
        sys.meta_path.insert(0, finder)
        module = importlib.import_module(self._module)
        # What is imported later is refused, as in the component that is shipped.
        sys.meta_path.remove(finder)
        return found(module, self._name)


def _is_of_project(module: ModuleType) -> bool:
    # A package without an `__init__.py` has no file, only folders.
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", [])]
    return any(str(place).startswith(_PROJECT) for place in places)


class _Finder:
    """Finds modules in sources by their paths below the project's folder."""

    def __init__(self, sources: dict[str, str], absent: set[str]) -> None:
        self._sources, self._absent = sources, absent

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
        if name not in self._absent:
            raise NotInSnapshot(name)
        return None

    def create_module(self, spec: Any) -> None:
        """The usual kind of module."""

    def exec_module(self, module: ModuleType) -> None:
        file = str(module.__file__)
        source = self._sources[file.removeprefix(_PROJECT)]
        exec(compile(source, file, "exec", dont_inherit=True), module.__dict__)
