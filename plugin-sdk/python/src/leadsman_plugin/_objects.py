"""From series to objects: the part that most plugins share."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from . import log
from ._failure import Failure
from ._input import Answer, Range, Sample, Series
from ._measures import Item, ObjectKey

NAMESPACE_LABEL = "namespace"
"""The label that names the namespace where a plugin's configuration does not say."""


@dataclass(frozen=True)
class FixedObject:
    """The same object for every series."""

    name: Annotated[str, "The object's name."]
    namespace: Annotated[
        str | None, "The object's namespace. Left out for the namespace that the read is for."
    ] = None


ObjectSource = str | FixedObject
"""Which object a series stands for, as written in a plugin's configuration: the label that holds the
object's name, or one object for every series."""


class Combine(StrEnum):
    """What to do when several series meet one object."""

    FAIL = "fail"
    """Refuse: the query should give one series for each object."""
    SUM = "sum"
    """Add the values."""
    MAX = "max"
    """Take the largest value."""
    MIN = "min"
    """Take the smallest value."""
    AVERAGE = "average"
    """Take the mean of the values."""
    OMIT = "omit"
    """Leave the object out, unless all values are the same."""
    FIRST = "first"
    """Take the value of the first series, in the order of their labels."""


class ObjectValue:
    """A value for an object, made from one or more series."""

    __slots__ = ("_count", "_disputed", "_row", "object", "time", "value")

    object: ObjectKey
    """The object."""
    value: float
    """The value."""
    time: int
    """When the oldest of its samples was taken, in milliseconds since the epoch."""

    def __init__(self, object: ObjectKey, value: float, time: int, row: int) -> None:
        self.object, self.value, self.time, self._row = object, value, time, row
        self._count, self._disputed = 1, False

    def _add(self, other: float, time: int, row: int, combine: Combine, answer: Answer) -> None:
        if combine is Combine.FIRST:
            if _order(answer, row) < _order(answer, self._row):
                self._row, self.value, self.time = row, other, time
            return
        if combine is Combine.FAIL:
            raise Failure(
                f'several series are for the object "{self.object.name}"; aggregate them in the '
                "query, or set `combine` to sum, max, min, average, first or omit",
                answer.query,
            )
        if combine in (Combine.SUM, Combine.AVERAGE):
            self.value += other
        # NaN is kept, so that it is refused where it can be explained and never hidden.
        elif combine is Combine.MAX:
            self.value = other if other > self.value or math.isnan(other) else self.value
        elif combine is Combine.MIN:
            self.value = other if other < self.value or math.isnan(other) else self.value
        elif not self._disputed and _bits(other) != _bits(self.value):
            log.warn(
                f'several series are for the object "{self.object.name}" and do not agree, so it '
                f"is left out; aggregate them in the query: {answer.query}"
            )
            self._disputed = True
        self.time = min(self.time, time)
        self._count += 1


def by_object(
    answer: Answer,
    source: ObjectSource,
    namespace: str | None = None,
    combine: Combine = Combine.FAIL,
) -> list[ObjectValue]:
    """Finds the object of each series of an answer and combines those that meet.

    `namespace` is the label with the object's namespace. Where the evaluation is for the cluster it
    is `NAMESPACE_LABEL` if None, and no label if it is empty: objects that live in no namespace are by
    their name alone. Where it is for a namespace, series that name another one by it are passed over.
    A series without the object's label belongs to no object and is passed over, as Prometheus has
    such series for targets outside of Kubernetes; it is a failure only if every series lacks it.
    """
    times, values = answer.times, answer.values  # of another type of answer, the labels say nothing
    objects = ObjectFinder(answer, source, namespace)._all()
    known: dict[ObjectKey, ObjectValue] = {}
    for row, (object, time, value) in enumerate(zip(objects, times, values, strict=True)):
        if object is None:
            continue
        met = known.get(object)
        if met is None:
            known[object] = ObjectValue(object, value, time, row)
        else:
            met._add(value, time, row, combine, answer)
    return _finished(list(known.values()), combine)


def combined(
    answer: Answer, combine: Combine, of: Callable[[Series], tuple[ObjectKey, Sample] | None]
) -> list[ObjectValue]:
    """Combines the samples that meet one object: those that a function makes of series, each with its
    object. A series of which it makes None is passed over."""
    known: dict[ObjectKey, ObjectValue] = {}
    for series in answer.series:
        found = of(series)
        if found is None:
            continue
        object, sample = found
        met = known.get(object)
        if met is None:
            known[object] = ObjectValue(object, sample.value, sample.time, series._row)
        else:
            met._add(sample.value, sample.time, series._row, combine, answer)
    return _finished(list(known.values()), combine)


def _finished(values: list[ObjectValue], combine: Combine) -> list[ObjectValue]:
    if combine is Combine.AVERAGE:
        for value in values:
            value.value /= value._count
    if combine is Combine.OMIT:
        return [value for value in values if not value._disputed]
    return values


class ObjectFinder:
    """Finds the object of each series of an answer, as `by_object` does.

    Raises Failure if there are series and none of them has the label that names the object.
    """

    __slots__ = ("_asked", "_elsewhere", "_fixed", "_names", "_namespaces", "_rows")

    def __init__(self, answer: Answer, source: ObjectSource, namespace: str | None = None) -> None:
        self._asked = answer.input.namespace
        # Unless the evaluation is for the cluster, the label tells only what is for elsewhere.
        label = NAMESPACE_LABEL if namespace is None and self._asked is None else namespace
        column = answer.column(label) if label else None
        self._namespaces = column if self._asked is None else None
        self._elsewhere = None if self._asked is None else column
        self._fixed = source if isinstance(source, FixedObject) else None
        self._names: list[str] | None = None
        if isinstance(source, str):
            self._names = answer.column(source)
            if self._names is None:
                _refuse_unless_empty(answer, source)
        self._rows = 0 if answer.is_scalar else len(_rows(answer))

    def object(self, series: Series | Range) -> ObjectKey | None:
        """The object of a series of the answer; None if it is for none, or for one of another
        namespace."""
        row = series._row
        if self._elsewhere is not None:
            named = self._elsewhere[row]
            if named and named != self._asked:
                return None
        namespace = (self._namespaces[row] or None) if self._namespaces is not None else None
        if self._fixed is not None:
            # Where the configuration does not name the namespace, series of several namespaces are
            # for several objects of the name.
            fixed = self._fixed.namespace
            return ObjectKey(self._fixed.name, namespace if fixed is None else fixed)
        name = self._names[row] if self._names is not None else ""
        return ObjectKey(name, namespace) if name else None

    def _all(self) -> list[ObjectKey | None]:
        """The objects of all series, column by column where that is all there is to it."""
        if self._fixed is None and self._names is not None and self._elsewhere is None:
            spaces = self._namespaces or [""] * self._rows
            pairs = zip(self._names, spaces, strict=True)
            return [ObjectKey(name, space or None) if name else None for name, space in pairs]
        return [self.object(_Row(row)) for row in range(self._rows)]  # type: ignore[arg-type]


class _Row:
    """The number of a series, in its place."""

    __slots__ = ("_row",)

    def __init__(self, row: int) -> None:
        self._row = row


Target = ObjectKey | Item
"""What a series is for: an object, or an item of an external metric."""


class Targets:
    """Finds what the series of an answer are for, by the rules of `by_object` for objects.

    For plugins that put several series, or series of a range, together themselves. With `source`
    series are for objects, without they are items. `without` are labels that do not tell items apart,
    as `le` of the buckets of a histogram; the name of the series never does. Raises Failure if there
    are series and none has the object's label.
    """

    __slots__ = ("_finder", "_without")

    def __init__(
        self,
        answer: Answer,
        source: ObjectSource | None,
        namespace: str | None = None,
        without: tuple[str, ...] | list[str] = (),
    ) -> None:
        self._finder = None if source is None else ObjectFinder(answer, source, namespace)
        self._without = {"__name__", *without}

    def of(self, series: Series | Range) -> Target | None:
        """What a series is for: None if it lacks the object's label, or is of another namespace."""
        if self._finder is not None:
            return self._finder.object(series)
        labels = series.labels.items()
        return Item(tuple(sorted(pair for pair in labels if pair[0] not in self._without)))


def _rows(answer: Answer) -> list[int] | range:
    labels = answer._table._raw
    return range(labels.rows)


def _refuse_unless_empty(answer: Answer, wanted: str) -> None:
    if len(_rows(answer)) == 0:
        return
    present = ", ".join(answer._table.row(0)) or "none"
    raise Failure(
        f'no series has the label "{wanted}" that names the object (labels of the first series: '
        f"{present}); keep it in the query's by (…), or set `object` to another label",
        answer.query,
    )


def _order(answer: Answer, row: int) -> list[tuple[str, str]]:
    """What tells which of two series comes first, whatever their order in the answer."""
    return sorted(answer._table.row(row).items())


def _bits(value: float) -> bytes:
    return struct.pack("<d", value)
