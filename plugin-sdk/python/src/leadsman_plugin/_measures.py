"""What a plugin returns: one measure per object, or per item of an external metric."""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from ._contract import records
from ._duration import escaped
from ._input import Input, Object
from ._text import Interner

_TIMES = range(-(2**63), 2**63)
_MAX_WINDOW = 2**32 - 1


class ObjectKey(NamedTuple):
    """Which object a value is for."""

    name: str
    namespace: str | None = None

    @property
    def called(self) -> str:
        """How messages call it."""
        return f'the object "{escaped(self.name)}"'


class Item(NamedTuple):
    """Which item of an external metric a value is for: its labels, in the order of their names."""

    labels: tuple[tuple[str, str], ...]

    @property
    def called(self) -> str:
        """How messages call it."""
        labels = ", ".join(f'{name}="{escaped(value)}"' for name, value in self.labels)
        return f"the item {{{labels}}}"


@dataclass(frozen=True)
class Row:
    """A measure as a test sees it."""

    value: float
    object: str = ""
    """The object's name; empty for an item of an external metric."""
    namespace: str | None = None
    """The namespace, if the plugin named it."""
    time: int | None = None
    """Milliseconds since the epoch, if the plugin gave a time."""
    window: int | None = None
    """Seconds, if the plugin gave a window."""
    labels: dict[str, str] = field(default_factory=dict)
    """The labels of an external metric's item."""


class Measures:
    """The measures of an evaluation."""

    __slots__ = ("_labels", "_namespaces", "_objects", "_times", "_values", "_windows")

    def __init__(self) -> None:
        self._objects: list[str] = []
        self._namespaces: list[str] = []
        self._values: list[float] = []
        self._times: list[int | None] = []
        self._windows: list[int] = []
        # Rows with labels alone, as custom metrics have none.
        self._labels: dict[int, dict[str, str]] = {}

    def add(
        self,
        object: str | ObjectKey | Item | Object,
        value: float,
        *,
        time: int | None = None,
        namespace: str | None = None,
        window: timedelta | float | None = None,
    ) -> None:
        """Adds a value for an object: its name, or what `by_object` or `Targets` found.

        `time` is when the value was measured, in milliseconds since the epoch. Pass the samples' own
        time on: without it the value counts as measured when the evaluation began. `namespace` is
        needed only where `input.namespace` is None. `window` is the time over which the value was
        measured, as a timedelta or in seconds, rounded down to seconds.
        """
        name: str
        if isinstance(object, str):
            name = object
        elif isinstance(object, Item):
            return self.add_item(value, dict(object.labels), time=time, window=window)
        elif isinstance(object, (ObjectKey, Object)):
            name = object.name
            namespace = object.namespace if namespace is None else namespace
        else:
            raise TypeError(f"the object of a measure is a {_type(object)}, not its name")
        if not (namespace is None or isinstance(namespace, str)):
            raise TypeError(f"the namespace of a measure is a {_type(namespace)}, not a str")
        return self._push(name, namespace or "", value, time, window)

    def add_item(
        self,
        value: float,
        labels: Mapping[str, str] | None = None,
        *,
        time: int | None = None,
        window: timedelta | float | None = None,
    ) -> None:
        """Adds an item of an external metric, with its labels. `time` and `window` as in `add`."""
        for name, text in (labels or {}).items():
            if not (isinstance(name, str) and isinstance(text, str)):
                raise TypeError(f"the label {name!r} of an item is a {_type(text)}, not a str")
        self._push("", "", value, time, window)
        if labels:
            self._labels[len(self._values) - 1] = dict(labels)

    def __len__(self) -> int:
        return len(self._values)

    def rows(self) -> list[Row]:
        """The measures row by row, for tests."""
        return [
            Row(
                value=self._values[at],
                object=self._objects[at],
                namespace=self._namespaces[at] or None,
                time=self._times[at],
                window=self._windows[at] or None,
                labels={k: v for k, v in self._labels.get(at, {}).items() if v},
            )
            for at in range(len(self))
        ]

    # Wrong types would end the component without a word when they leave it, so they are found here,
    # on the author's line.
    def _push(
        self,
        name: str,
        namespace: str,
        value: float,
        time: int | None,
        window: timedelta | float | None,
    ) -> None:
        if type(value) is not float:
            if isinstance(value, bool) or not isinstance(value, numbers.Real):
                raise TypeError(f"the value of a measure is a {_type(value)}, not a number")
            value = _as_float(value)
        if time is not None and type(time) is not int:
            time = operator.index(time)
        if time is not None and time not in _TIMES:
            raise ValueError(f"the time {time} is out of range; it is in milliseconds")
        self._windows.append(0 if window is None else _seconds(window))
        self._objects.append(name)
        self._namespaces.append(namespace)
        self._values.append(value)
        self._times.append(time)

    def _into_raw(self, input: Input) -> records.Measures:
        rows = len(self)
        texts = Interner(input._texts.numbers, len(input._texts))
        number = texts.number

        def column(of: list[str]) -> list[int]:
            return [number(text) for text in of] if any(of) else []

        # Name by name, in the order in which they first come.
        names = list(dict.fromkeys(name for labels in self._labels.values() for name in labels))
        numbers_of_names = [number(name) for name in names]
        cells = [0] * (rows * len(names))
        places = {name: at * rows for at, name in enumerate(names)}
        for row, labels in self._labels.items():
            for name, value in labels.items():
                cells[places[name] + row] = number(value)
        timed = any(time is not None for time in self._times)
        times = [input.now if time is None else time for time in self._times] if timed else []
        objects, namespaces = column(self._objects), column(self._namespaces)
        return records.Measures(
            dictionary=texts.dictionary(),
            objects=objects,
            namespaces=namespaces,
            values=self._values,
            times=times,
            windows=self._windows if any(self._windows) else [],
            labels=records.Labels(numbers_of_names, rows, cells),
        )


def _as_float(value: numbers.Real) -> float:
    try:
        return float(value)
    except OverflowError:
        # The adapter refuses it, and says why.
        return math.inf if str(value)[0] != "-" else -math.inf


def _seconds(window: timedelta | float) -> int:
    seconds = window.total_seconds() if isinstance(window, timedelta) else window
    if not seconds >= 0:
        raise ValueError(f"the window of a measure is {seconds} seconds")
    return min(int(min(seconds, _MAX_WINDOW)), _MAX_WINDOW)


def _type(value: object) -> str:
    return type(value).__name__
