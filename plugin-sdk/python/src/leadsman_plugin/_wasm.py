"""As much of the binary format of WebAssembly as the build of a component needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

Sections = list[tuple[int, bytes]]
"""Kind and content of each."""
_Element = TypeVar("_Element")

# Sections of a component.
CORE_MODULE, CORE_INSTANCE, ALIAS = 1, 2, 6
# Sections of a module.
CUSTOM, TYPES, IMPORTS, FUNCTIONS, GLOBALS, EXPORTS = 0, 1, 2, 3, 6, 7
TABLE_CONTENT, CODE, DATA = 9, 10, 11

MODULE = b"\0asm\1\0\0\0"
COMPONENT = b"\0asm\r\0\1\0"


class Reader:
    """Reads from a place in bytes on."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    def byte(self) -> int:
        return self.take(1)[0]

    def take(self, count: int) -> bytes:
        taken = self.data[self.at : self.at + count]
        if len(taken) != count:
            raise ValueError(f"{count} bytes wanted at {self.at}, {len(taken)} there")
        self.at += count
        return taken

    def unsigned(self) -> int:
        number, _ = self._leb128()
        return number

    def signed(self) -> int:
        number, bits = self._leb128()
        return number - (1 << bits) if number >> (bits - 1) else number

    def _leb128(self) -> tuple[int, int]:
        number = bits = 0
        while True:
            byte = self.byte()
            number |= (byte & 0x7F) << bits
            bits += 7
            if not byte & 0x80:
                return number, bits

    def name(self) -> bytes:
        return self.take(self.unsigned())

    def several(self) -> range:
        """As often as a vector has elements."""
        return range(self.unsigned())


def sections(binary: bytes) -> Iterator[tuple[int, bytes]]:
    """The sections of a module or a component: kind and content."""
    reader = Reader(binary, len(MODULE))
    while reader.at < len(binary):
        kind = reader.byte()
        yield kind, reader.name()


def elements(section: bytes, element: Callable[[Reader], _Element]) -> list[_Element]:
    """The elements of a section that is a vector."""
    reader = Reader(section)
    return [element(reader) for _ in reader.several()]


def export(reader: Reader) -> tuple[bytes, int, int]:
    """Name, kind and number of what a module exports."""
    return reader.name(), reader.byte(), reader.unsigned()


def binary(sections: Sections) -> bytes:
    """Sections one after another."""
    return b"".join(bytes([kind]) + sized(content) for kind, content in sections)


def sized(content: bytes) -> bytes:
    return unsigned(len(content)) + content


def vector(elements: list[bytes]) -> bytes:
    return unsigned(len(elements)) + b"".join(elements)


def unsigned(number: int) -> bytes:
    """In LEB128."""
    encoded = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        encoded.append(low | (0x80 if number else 0))
        if not number:
            return bytes(encoded)


def signed(number: int) -> bytes:
    """In LEB128."""
    encoded = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        if number == (-1 if low & 0x40 else 0):
            encoded.append(low)
            return bytes(encoded)
        encoded.append(low | 0x80)
