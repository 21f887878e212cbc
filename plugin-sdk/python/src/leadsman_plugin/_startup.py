"""What runs in a component before its interpreter imports anything.

componentize-py gives the interpreter an environment of its own, and its modules in files. But it links
the extension modules of the Python path into the component, and their constructors run before the
interpreter starts. So this makes one, which sets environment variables and adds a built-in module.
"""

from __future__ import annotations

from collections.abc import Iterable

from . import _wasm as wasm

FILE = "leadsman_startup.abi3.so"
"""componentize-py knows extension modules by the end of their name."""

_CALLED = {
    "setenv": 3,
    "PyImport_AppendInittab": 2,
    "PyModuleDef_Init": 1,
    "PyModule_GetDict": 1,
    "PyRun_String": 4,
}
"""Functions of the C library and of the interpreter, with the number of their parameters."""
_LIBRARIES = ("libc.so", "libpython3.14.so")
_FILE_INPUT, _EXECUTES = 257, 2
"""Py_file_input and Py_mod_exec."""
_DEFINITION, _NAME_AT, _SLOTS_AT = 13, 5, 9
"""A PyModuleDef in words: how many, and where its `m_name` and `m_slots` are."""

_I32, _FUNCTION_TYPE, _REFERENCE = b"\x7f", b"\x60", b"\x70"
_FUNCTION, _TABLE, _MEMORY, _GLOBAL = b"\x00", b"\x01", b"\x02", b"\x03"
_ADD, _SUBTRACT, _IS_ZERO, _DROP, _END = b"\x6a", b"\x6b", b"\x45", b"\x1a", b"\x0b"
_MEMORY_BASE, _TABLE_BASE = b"\x23\x00", b"\x23\x01"
_STORE = b"\x36\x02\x00"
_FIRST_PARAMETER = b"\x20\x00"


def library(variables: dict[str, str], name: str, source: str) -> bytes:
    """A module for dynamic linking that sets the variables, and adds the module `name`."""
    data = bytearray()

    def address(content: bytes) -> bytes:
        """Instructions for the address of this in the module's data."""
        data.extend(bytes(-len(data) % 4))
        at = len(data)
        data.extend(content)
        return _MEMORY_BASE + _number(at) + _ADD

    def text(text: str) -> bytes:
        return address(text.encode() + b"\0")

    module = text(name)
    definition = address(bytes(4 * _DEFINITION))
    slots = address(bytes(16))

    def word(of: bytes, at: int, value: bytes) -> bytes:
        """Instructions that write a word, which an address in data would have to be linked for."""
        return of + _number(4 * at) + _ADD + value + _STORE

    constructor = b"".join(
        text(key) + text(value) + _number(1) + _call("setenv") + _DROP
        for key, value in variables.items()
    )
    constructor += word(definition, _NAME_AT, module) + word(definition, _SLOTS_AT, slots)
    constructor += word(slots, 0, _number(_EXECUTES))
    constructor += word(slots, 1, _TABLE_BASE + _number(1) + _ADD)
    constructor += module + _TABLE_BASE + _call("PyImport_AppendInittab") + _DROP
    initialize = definition + _call("PyModuleDef_Init")
    # The names of the module are those of the source, both as global and as local ones.
    names = _FIRST_PARAMETER + _call("PyModule_GetDict")
    ran = text(source) + _number(_FILE_INPUT) + names + names + _call("PyRun_String")
    execute = _number(0) + ran + _IS_ZERO + _SUBTRACT
    return _module((constructor, initialize, execute), bytes(data))


def _module(bodies: Iterable[bytes], data: bytes) -> bytes:
    """Puts the instructions of the own functions and the data together."""
    # By the number of parameters; the last one is that of the constructor.
    types = [
        _FUNCTION_TYPE + wasm.vector([_I32] * count) + wasm.vector([_I32]) for count in range(5)
    ]
    types.append(_FUNCTION_TYPE + wasm.vector([]) * 2)
    own = [len(types) - 1, 0, 1]
    first = len(_CALLED)
    linked = (len(data), 2, 2, 0)
    needs = b"".join(wasm.unsigned(number) for number in linked)
    libraries = wasm.vector([_text(library) for library in _LIBRARIES])
    linking = _text("dylink.0") + b"\x01" + wasm.sized(needs) + b"\x02" + wasm.sized(libraries)
    imports = [
        _import("memory", _MEMORY + b"\x00\x00"),
        _import("__indirect_function_table", _TABLE + _REFERENCE + b"\x00\x00"),
        _import("__memory_base", _GLOBAL + _I32 + b"\x00"),
        _import("__table_base", _GLOBAL + _I32 + b"\x00"),
        *(_import(name, _FUNCTION + wasm.unsigned(count)) for name, count in _CALLED.items()),
    ]
    in_table = [wasm.unsigned(first + 1), wasm.unsigned(first + 2)]
    return wasm.MODULE + wasm.binary(
        [
            (wasm.CUSTOM, linking),
            (wasm.TYPES, wasm.vector(types)),
            (wasm.IMPORTS, wasm.vector(imports)),
            (wasm.FUNCTIONS, wasm.vector([wasm.unsigned(number) for number in own])),
            (
                wasm.EXPORTS,
                wasm.vector([_text("__wasm_call_ctors") + _FUNCTION + wasm.unsigned(first)]),
            ),
            (
                wasm.TABLE_CONTENT,
                wasm.vector([b"\x00" + _TABLE_BASE + _END + wasm.vector(in_table)]),
            ),
            (wasm.CODE, wasm.vector([wasm.sized(b"\x00" + body + _END) for body in bodies])),
            (wasm.DATA, wasm.vector([b"\x00" + _MEMORY_BASE + _END + wasm.sized(data)])),
        ]
    )


def _import(name: str, what: bytes) -> bytes:
    return _text("env") + _text(name) + what


def _call(name: str) -> bytes:
    return b"\x10" + wasm.unsigned(list(_CALLED).index(name))


def _number(number: int) -> bytes:
    return b"\x41" + wasm.signed(number)


def _text(text: str) -> bytes:
    return wasm.sized(text.encode())
