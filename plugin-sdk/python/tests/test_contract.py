"""The contract that the package holds is the repository's."""

import dataclasses
import enum
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from leadsman_plugin import _records

HERE = Path(__file__).parent
WIT = HERE.parent / "src/leadsman_plugin/plugin.wit"


def test_the_contract_is_the_one_of_the_repository() -> None:
    assert WIT.read_text() == (HERE / "../../../wit/plugin.wit").read_text()


def test_the_native_records_are_those_of_the_generator(tmp_path: Path) -> None:
    pytest.importorskip("componentize_py")
    command = ["-q", "-d", str(WIT), "-w", "mapping", "bindings", str(tmp_path)]
    script = "from componentize_py import script; script()"
    subprocess.run([sys.executable, "-c", script, *command], check=True)
    sys.path.insert(0, str(tmp_path))
    try:
        path = tmp_path / "wit_world/imports/types.py"
        spec = importlib.util.spec_from_file_location("generated_types", path)
        assert spec is not None and spec.loader is not None
        generated = importlib.util.module_from_spec(spec)
        # Dataclasses look their module up by its name.
        sys.modules[spec.name] = generated
        spec.loader.exec_module(generated)
    finally:
        sys.path.remove(str(tmp_path))
        sys.modules.pop("generated_types", None)
    assert shapes(generated) == shapes(_records)


def shapes(module: object) -> dict[str, list[str]]:
    """The fields of the records, and the members of the enumerations."""
    found = {}
    for name, kind in vars(module).items():
        if isinstance(kind, type) and dataclasses.is_dataclass(kind):
            if name not in ("Ok", "Err", "Some"):
                found[name] = [field.name for field in dataclasses.fields(kind)]
        elif isinstance(kind, type) and issubclass(kind, enum.Enum) and list(kind):
            found[name] = [f"{member.name}={member.value}" for member in kind]
    return found
