"""One snapshot, and the edited sources written into it; how they run in it is tested with the adapter."""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from leadsman_plugin import _area, _dev

FINGERPRINT = bytes(range(32))


def component_with(area: bytes) -> bytes:
    return b"before" + area + b"after"


def test_what_is_written_into_a_component_is_read_in_it() -> None:
    area = _area.reserved(FINGERPRINT)
    assert _area.content(area) is None
    component = component_with(area)
    for content in (b"", b"x = 1", b"\xff" * _area.SIZE):
        filled = _area.filled(component, FINGERPRINT, content)
        assert filled is not None
        assert len(filled) == len(component)
        assert filled.startswith(b"before") and filled.endswith(b"after")
        assert _area.content(bytearray(filled[6:-5])) == content


def test_what_has_no_room_of_this_fingerprint_is_left_alone() -> None:
    area = bytes(_area.reserved(FINGERPRINT))
    filled = _area.filled(component_with(area), FINGERPRINT, b"1")
    assert filled is not None
    for component, fingerprint, content in (
        (b"", FINGERPRINT, b""),
        (component_with(area), bytes(32), b""),
        (component_with(area), FINGERPRINT, b"x" * (_area.SIZE + 1)),
        (component_with(area[:-1]), FINGERPRINT, b""),
        (component_with(area + area), FINGERPRINT, b""),
        (filled, FINGERPRINT, b"2"),
    ):
        assert _area.filled(component, fingerprint, content) is None


class Snapshots:
    """Takes what stands for snapshots, and notes of which entry modules."""

    def __init__(self, project: Path) -> None:
        self.project, self.snapshot = project, project / "snapshot.wasm"
        self.entries: list[str] = []

    def take(self, entry: str) -> bytes:
        self.entries.append(entry)
        fingerprint = bytes.fromhex(entry.rpartition("'")[0].rpartition("'")[2])
        return component_with(_area.reserved(fingerprint))

    def component(self, module: str = "plugin") -> dict[str, str] | None:
        """The sources in the component, or None if it is a new snapshot."""
        made = _dev.component(module, None, self.project, self.snapshot, self.take)
        content = _area.content(bytearray(made[6:-5]))
        return None if content is None else json.loads(content)


def test_a_snapshot_is_taken_once_for_all_edits(tmp_path: Path) -> None:
    for path in ("plugin.py", "own/deep.py", ".venv/a.py", "vendor/b.py", "with-dash/c.py"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("x = 1\n")
    snapshots = Snapshots(tmp_path)
    assert snapshots.component() is None
    (tmp_path / "plugin.py").write_text("x = 2\n")
    sources = snapshots.component()
    assert sources == {"plugin.py": "x = 2\n", "own/deep.py": "x = 1\n"}
    assert len(snapshots.entries) == 1
    assert "import plugin as _project" in snapshots.entries[0]
    compile(snapshots.entries[0], "entry", "exec")


def test_a_new_snapshot_is_taken_where_sources_do_not_do(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path)
    source = tmp_path / "plugin.py"
    source.write_text("x = 1\n")
    assert snapshots.component() is None
    # What it is made of is another module.
    assert snapshots.component("other") is None
    assert snapshots.component("other") is not None
    too_deep = b"x = " + b"-" * 100_000 + b"1"
    for content in (b"x = (", b"\xff", b"#" * (_area.SIZE + 1), too_deep):
        source.write_bytes(content)
        assert snapshots.component("other") is None
    source.write_bytes(b"")
    (tmp_path / "snapshot.wasm").write_bytes(b"half of one")
    assert snapshots.component("other") is None
    assert len(snapshots.entries) == 7


def test_a_snapshot_that_cannot_be_taken_leaves_the_one_before(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path)
    (tmp_path / "plugin.py").write_text("x = 1\n")
    snapshots.component()
    before = snapshots.snapshot.read_bytes()
    (tmp_path / "plugin.py").write_text("x = (")

    def fails(entry: str) -> bytes:
        raise RuntimeError(entry)

    with pytest.raises(RuntimeError):
        _dev.component("plugin", None, tmp_path, snapshots.snapshot, fails)
    assert snapshots.snapshot.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plugin.py", "snapshot.wasm"]


SOURCES = {
    "mine.py": """\
from leadsman_plugin import Measures, plugin
from own import VALUE
from own.spread.part import VALUE as PART

@plugin(name="mine", about=f"{VALUE} {PART} {__file__} {__name__}")
def evaluate(input) -> Measures:
    return Measures()
""",
    "own/__init__.py": "VALUE = 1",
    "own/spread/part.py": "VALUE = 2",
}


@pytest.fixture
def hot_reload(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module that components have, which needs what componentize-py gives them."""
    types = ModuleType("componentize_py_types")
    types.Err = Exception  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "componentize_py_types", types)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    for name in ("leadsman_plugin._component", "leadsman_plugin._hot_reload"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module("leadsman_plugin._hot_reload")


def test_sources_are_executed_in_place_of_modules(
    monkeypatch: pytest.MonkeyPatch, hot_reload: ModuleType
) -> None:
    for name, place in (("mine", "/0/mine.py"), ("own", "/0/own/__init__.py"), ("kept", "/1/k.py")):
        module = ModuleType(name)
        module.__file__ = place
        if place.endswith("__init__.py"):
            module.__path__ = [place.removesuffix("/__init__.py")]
        monkeypatch.setitem(sys.modules, name, module)
    of_snapshot = object()
    absent = hot_reload.Absent()
    for name in ("not_there", "own.not_there"):
        with pytest.raises(ImportError):
            importlib.import_module(name)

    def reloading(sources: dict[str, str]) -> Any:
        current = hot_reload.HotReload(of_snapshot, "mine", None, absent, FINGERPRINT.hex())
        filled = _area.filled(bytes(current._area), FINGERPRINT, json.dumps(sources).encode())
        assert filled is not None
        current._area[:] = filled
        return current

    current = hot_reload.HotReload(of_snapshot, "mine", None, absent, FINGERPRINT.hex())
    assert current() is of_snapshot

    current = reloading(SOURCES)
    plugin = current()
    assert plugin.about == "1 2 /0/mine.py mine"
    assert current() is plugin
    assert sys.modules["kept"].__file__ == "/1/k.py"

    # What the snapshot looked for and did not find is not there for its sources, either. What it did not
    # look for may be, whatever they do without it.
    optional = "try:\n    import {}\nexcept ImportError:\n    pass\n"
    for name in ("not_there", "own.not_there"):
        edited = {**SOURCES, "mine.py": optional.format(name) + SOURCES["mine.py"]}
        assert reloading(edited)().about == plugin.about
    edited = {**SOURCES, "mine.py": optional.format("new_one") + SOURCES["mine.py"]}
    with pytest.raises(hot_reload.NotInSnapshot, match="new_one"):
        reloading(edited)()
    for name in ("own", "own.spread", "own.spread.part"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def test_what_is_imported_when_it_runs_is_not_found_in_sources(
    monkeypatch: pytest.MonkeyPatch, hot_reload: ModuleType
) -> None:
    current = hot_reload.HotReload(None, "mine", None, hot_reload.Absent(), FINGERPRINT.hex())
    finders = list(sys.meta_path)
    current._executed(SOURCES)
    assert sys.meta_path == finders
    for name in ("mine", "own", "own.spread", "own.spread.part"):
        monkeypatch.delitem(sys.modules, name)


def test_a_new_snapshot_is_taken_of_packages_that_are_installed_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / "site-packages"
    packages.mkdir()
    monkeypatch.setattr(_dev.sysconfig, "get_path", lambda name: str(packages))
    project = tmp_path / "project"
    project.mkdir()
    (project / "plugin.py").write_text("x = 1\n")
    snapshots = Snapshots(project)

    def installs(version: str, time: int) -> None:
        for earlier in packages.glob("thing-*.dist-info"):
            earlier.rmdir()
        (packages / f"thing-{version}.dist-info").mkdir()
        os.utime(packages / f"thing-{version}.dist-info", (time, time))

    for version, time in (("1.0", 1), ("1.1", 1), ("1.1", 2)):
        installs(version, time)
        assert snapshots.component() is None
        # That modules are compiled is no other package.
        (packages / "__pycache__").mkdir(exist_ok=True)
        assert snapshots.component() is not None
