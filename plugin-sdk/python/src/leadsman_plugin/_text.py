"""Strings by number: the dictionary of an input, and the one of what a plugin returns."""

from __future__ import annotations

from collections.abc import Iterable

from ._contract import records


class Texts:
    """The strings of an input. Each is decoded when it is first read, and once.

    Two labels with the same text are the same object, so comparing and hashing them is cheap.
    """

    __slots__ = ("_ends", "_known", "_raw", "_text", "numbers")

    def __init__(self, dictionary: records.Dictionary) -> None:
        self._raw, self._ends = dictionary.bytes, dictionary.ends
        text = self._raw.decode()
        # Where each character is one byte, the ends are those of characters, too.
        self._text = text if len(text) == len(self._raw) else None
        self._known: list[str | None] = [None] * len(self._ends)
        self.numbers: dict[str, int] = {"": 0}

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, number: int) -> str:
        known = self._known[number]
        return self._decode(number) if known is None else known

    def all(self, numbers: Iterable[int]) -> list[str]:
        """The strings with these numbers."""
        known, decode, found = self._known, self._decode, []
        for number in numbers:
            text = known[number]
            found.append(decode(number) if text is None else text)
        return found

    def _decode(self, number: int) -> str:
        start, end = self._ends[number - 1] if number else 0, self._ends[number]
        text = self._raw[start:end].decode() if self._text is None else self._text[start:end]
        self._known[number] = text
        self.numbers[text] = number
        return text


class Interner:
    """Builds a dictionary, each string once, beyond those that are known already."""

    __slots__ = ("_first", "_known", "_own")

    def __init__(self, known: dict[str, int], first: int) -> None:
        self._known, self._first = known, first
        self._own: dict[str, int] = {}

    def number(self, text: str) -> int:
        """The number of a text."""
        number = self._known.get(text)
        if number is None:
            number = self._own.get(text)
        if number is None:
            number = self._own[text] = self._first + len(self._own)
        return number

    def dictionary(self) -> records.Dictionary:
        """The strings that were not known."""
        encoded = [text.encode() for text in self._own]
        ends, total = [], 0
        for text in encoded:
            total += len(text)
            ends.append(total)
        return records.Dictionary(b"".join(encoded), ends)
