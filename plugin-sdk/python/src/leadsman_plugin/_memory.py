"""What in the memory of a snapshot differs from build to build, and is read by nothing.

That is the stack, which is empty when the snapshot is taken, and what the libraries in the component
noted of the clock and of random numbers when they were started.
"""

from __future__ import annotations

from . import _wasm as wasm

_STACK = ("__stack_low", "__stack_pointer")
_LIBPYTHON = "libpython3.14.so:memory_base"
_NOTES = (
    # What guards the stack.
    ("libc.so:__stack_chk_guard", 0, 4),
    # `start`, the clock.
    ("libwasi-emulated-process-clocks.so:memory_base", 8, 16),
    # mimalloc, which is started and then not used: the cookie and the keys of `_mi_heap_main`, the key
    # and the output of its random numbers, and `mi_process_start`.
    (_LIBPYTHON, 0x2762DC, 12),
    (_LIBPYTHON, 0x2762F8, 32),
    (_LIBPYTHON, 0x276328, 64),
    (_LIBPYTHON, 0x2F98F8, 8),
)
"""Where, by symbol and distance from it, and how many bytes."""
_BLOCK = 256
"""Zeros are left out in blocks of this size."""
_I32_CONST, _END = 0x41, 0x0B
_FUNCTION, _GLOBAL = 0, 3


def without_notes(module: wasm.Sections) -> bytes | None:
    """The module with this as zero, or None if it is not the one that holds the memory."""
    symbols = _symbols(module)
    if _LIBPYTHON not in symbols:
        return None
    low, high = (symbols.get(name) for name in _STACK)
    if low is None or high is None:
        raise ValueError("the stack has no bounds")
    zero = [(low, high - low)]
    for symbol, distance, length in _NOTES:
        if symbol not in symbols:
            raise ValueError(f"there is no {symbol}")
        zero.append((symbols[symbol] + distance, length))
    return wasm.MODULE + wasm.binary(
        [(kind, _data(it, zero) if kind == wasm.DATA else it) for kind, it in module]
    )


def _symbols(module: wasm.Sections) -> dict[str, int]:
    """The values of the globals that the module of the memory exports. Others give none."""
    content = dict(module)
    exports = wasm.elements(content.get(wasm.EXPORTS, b"\0"), wasm.export)
    if not any(name == _LIBPYTHON.encode() for name, _, _ in exports):
        return {}
    # It imports functions alone, so that its globals are those that it defines.
    wasm.elements(content[wasm.IMPORTS], _function)
    values = wasm.elements(content[wasm.GLOBALS], _global)
    return {name.decode(): values[at] for name, kind, at in exports if kind == _GLOBAL}


def _data(section: bytes, zero: list[tuple[int, int]]) -> bytes:
    """The segments anew, since where they begin and end depends on what is zero."""
    memory = bytearray()
    for address, content in wasm.elements(section, _segment):
        memory.extend(bytes(max(0, address + len(content) - len(memory))))
        memory[address : address + len(content)] = content
    for address, length in zero:
        memory[address : address + length] = bytes(length)
    segments = []
    begin = None
    for at in range(0, len(memory) + _BLOCK, _BLOCK):
        if memory[at : at + _BLOCK].strip(b"\0"):
            begin = at if begin is None else begin
        elif begin is not None:
            place = bytes([0, _I32_CONST]) + wasm.signed(begin) + bytes([_END])
            segments.append(place + wasm.sized(bytes(memory[begin:at])))
            begin = None
    return wasm.vector(segments)


def _segment(reader: wasm.Reader) -> tuple[int, bytes]:
    if reader.unsigned() != 0:
        raise ValueError("a segment of data without an address")
    return _constant(reader), reader.name()


def _constant(reader: wasm.Reader) -> int:
    if reader.byte() != _I32_CONST:
        raise ValueError("a value that is not constant")
    value = reader.signed()
    if reader.byte() != _END:
        raise ValueError("a value that is calculated")
    return value


def _global(reader: wasm.Reader) -> int:
    reader.take(2)
    return _constant(reader)


def _function(reader: wasm.Reader) -> None:
    reader.name(), reader.name()
    if reader.byte() != _FUNCTION:
        raise ValueError("something else than a function is imported")
    reader.unsigned()
