"""What an author is told where a module is not found while a component is made."""

import sys
from pathlib import Path

import pytest

from leadsman_plugin._advice import advice


def told(name: str) -> str:
    return f"Traceback (most recent call last):\n  …\nModuleNotFoundError: No module named '{name}'"


def test_what_helps_depends_on_where_the_module_is(tmp_path: Path) -> None:
    own, packages = tmp_path / "own", tmp_path / "packages"
    compiled = packages / "quick/core/_fast.cpython-311-x86_64-linux-gnu.so"
    compiled.parent.mkdir(parents=True)
    compiled.touch()
    search = [own, packages]
    assert (
        advice(told("quick.core._fast"), search) == f"quick.core._fast is compiled for this "
        f"machine ({compiled}), and a component has modules in Python alone: quick cannot be in it; "
        "use a package that is Python alone, or what Python itself has"
    )
    # One for WASI is not found either.
    compiled.write_bytes(b"\0asm\1\0\0\0")
    assert f"is compiled for WASI ({compiled})" in advice(told("quick.core._fast"), search)
    assert advice(told("_sqlite3"), search).startswith("_sqlite3 of the standard library is not")
    assert (
        advice(told("absent.part"), search) == f"absent is neither in the project nor in "
        f"{packages}: {sys.executable} -m pip install it"
    )


def test_what_this_python_has_elsewhere_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/linked.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))
    expected = f"{sys.executable} finds linked elsewhere; for a component it must be in a or b"
    assert advice(told("linked"), [Path("a"), Path("b")]) == expected


def test_an_extension_for_wasi_that_cannot_be_linked_is_named(tmp_path: Path) -> None:
    fast = tmp_path / "quick/core/_fast.cpython-314-wasm32-wasi.so"
    fast.parent.mkdir(parents=True)
    fast.write_bytes(b"\0asm\1\0\0\0")
    (tmp_path / "other.cpython-311-x86_64-linux-gnu.so").write_bytes(b"\x7fELF")
    assert advice("", [tmp_path / "absent", tmp_path]) == (
        f"quick is compiled for WASI ({fast}), and a component has modules in Python alone: take it out "
        f"of {tmp_path}; use a package that is Python alone, or what Python itself has"
    )
    # What a module itself does wrong is another matter.
    assert advice("Traceback (most recent call last):\n  …\nKeyError: 1", [tmp_path]) == ""


@pytest.mark.parametrize(
    "other", ["ZeroDivisionError: division by zero", "ValueError: No module named 'x'"]
)
def test_other_errors_need_none(other: str) -> None:
    assert advice(other, [Path("a"), Path("b")]) == ""
