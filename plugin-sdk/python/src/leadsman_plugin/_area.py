"""Room in a component for sources that are newer than its snapshot.

Taking a snapshot takes seconds. So `leadsman plugin dev` has one taken with room for sources in its
memory, and writes each edit there. Components that are shipped have no such room.

The area begins with a mark, the fingerprint of what the snapshot was taken of, and the number of bytes
of the content.
"""

from __future__ import annotations

SIZE = 1 << 19
"""The most bytes of content."""

_MARK_XORED = bytes.fromhex("9d1e6f0b73c24a58e6b1d70f35a89c2467fb20d4c93e815a0de2467891bc53f6")
_XOR = 0x5A
_FINGERPRINT_AT = len(_MARK_XORED)
FINGERPRINT_SIZE = 32
_LENGTH_AT = _FINGERPRINT_AT + FINGERPRINT_SIZE
_CONTENT_AT = _LENGTH_AT + 4
_FILLER = b"\xff"
"""Anything but zero, which snapshots leave out."""
_EMPTY = _FILLER * 4


def reserved(fingerprint: bytes) -> bytearray:
    """An empty area in the memory of this interpreter."""
    area = bytearray(_FILLER) * (_CONTENT_AT + SIZE)
    # Whoever looks for the mark must find it once. A copy of it would stay in freed memory.
    for at, byte in enumerate(_MARK_XORED):
        area[at] = byte ^ _XOR
    area[_FINGERPRINT_AT:_LENGTH_AT] = fingerprint
    return area


def content(area: bytearray) -> bytes | None:
    """What was written into an area, or None."""
    length = area[_LENGTH_AT:_CONTENT_AT]
    if length == _EMPTY:
        return None
    return bytes(area[_CONTENT_AT : _CONTENT_AT + int.from_bytes(length, "little")])


def filled(component: bytes, fingerprint: bytes, content: bytes) -> bytes | None:
    """A component with this content in its empty area.

    None if it has no such area, is of other things than the fingerprint says, or has too little room.
    """
    mark = bytes(byte ^ _XOR for byte in _MARK_XORED)
    at = component.find(mark)
    if at < 0 or component.find(mark, at + 1) >= 0 or len(content) > SIZE:
        return None
    begin = at + _CONTENT_AT
    empty = mark + fingerprint + _EMPTY + _FILLER * SIZE
    if component[at : begin + SIZE] != empty:
        return None
    length = len(content).to_bytes(4, "little")
    return b"".join(
        [component[: at + _LENGTH_AT], length, content, component[begin + len(content) :]]
    )
