"""What a plugin is given: the answers of the mapping's queries, as typed series."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ._contract import records
from ._failure import Failure
from ._text import Texts


class Sample(NamedTuple):
    """A value and when it was taken."""

    time: int
    """Milliseconds since the epoch."""
    value: float
    """The value. May be NaN or infinite, as it came."""


class Input:
    """Everything one evaluation is made from. `input["busy"]` is the answer of a query."""

    __slots__ = ("_objects", "_texts", "answers", "namespace", "now")

    namespace: str | None
    """The namespace that the evaluation is for. None for the whole cluster: each measure of a
    namespaced object must then name its namespace."""
    now: int
    """When the evaluation began, in milliseconds since the epoch. Plugins have no clock."""
    answers: list[Answer]
    """All answers, in the order of the mapping's queries."""

    def __init__(self, raw: records.Input) -> None:
        self._texts = Texts(raw.dictionary)
        self._objects = raw.objects
        scope = raw.scope
        self.namespace = scope.value if isinstance(scope, records.Scope_Namespace) else None
        self.now = raw.now
        self.answers = [Answer(self, answer) for answer in raw.answers]

    def __getitem__(self, query: str) -> Answer:
        """The answer of the query with this name. Raises Failure if there is none."""
        for answer in self.answers:
            if answer.query == query:
                return answer
        known = ", ".join(f'"{answer.query}"' for answer in self.answers) or "none"
        raise Failure(f'the mapping has no query named "{query}"; it has {known}')

    @property
    def only(self) -> Answer:
        """The answer of the mapping's only query, whatever its name."""
        if len(self.answers) == 1:
            return self.answers[0]
        count = len(self.answers)
        raise Failure(f"this plugin works on one query, and the mapping has {count}")

    @property
    def objects(self) -> list[Object]:
        """The objects that exist in the scope. Empty unless the `Plan` asks for them."""
        raw = self._objects
        if raw is None:
            return []
        table = _Table(self._texts, raw.labels)
        names = self._texts.all(raw.names)
        namespaces = self._texts.all(raw.namespaces)
        addresses = self._texts.all(raw.addresses) or [""] * len(names)
        columns = zip(names, namespaces, addresses, strict=True)
        return [
            Object(table, row, name, namespace or None, address or None)
            for row, (name, namespace, address) in enumerate(columns)
        ]


class _Table:
    """The labels of a number of rows, column by column. A column is decoded when it is read."""

    __slots__ = ("_columns", "_raw", "_texts")

    def __init__(self, texts: Texts, raw: records.Labels) -> None:
        self._texts, self._raw = texts, raw
        self._columns: dict[str, list[str] | None] = {}

    def names(self) -> list[str]:
        return self._texts.all(self._raw.names)

    def column(self, name: str) -> list[str] | None:
        if name not in self._columns:
            names, rows = self.names(), self._raw.rows
            cells = None
            if name in names:
                start = names.index(name) * rows
                cells = self._texts.all(self._raw.cells[start : start + rows])
            self._columns[name] = cells
        return self._columns[name]

    def row(self, row: int) -> dict[str, str]:
        cells, rows, texts = self._raw.cells, self._raw.rows, self._texts
        numbers = ((name, cells[at * rows + row]) for at, name in enumerate(self._raw.names))
        return {texts[name]: texts[value] for name, value in numbers if value}


class _Labelled:
    """A row with labels."""

    __slots__ = ("_row", "_table")

    def __init__(self, table: _Table, row: int) -> None:
        self._table, self._row = table, row

    def get(self, label: str) -> str | None:
        """The value of a label, None where it is not set."""
        column = self._table.column(label)
        return None if column is None else column[self._row] or None

    def __contains__(self, label: str) -> bool:
        return self.get(label) is not None

    @property
    def labels(self) -> dict[str, str]:
        """All labels that are set, with their values."""
        return self._table.row(self._row)


class _Answered(_Labelled):
    """A row of an answer, which can say what it lacks."""

    __slots__ = ("_query",)

    def __init__(self, table: _Table, row: int, query: str) -> None:
        super().__init__(table, row)
        self._query = query

    def __getitem__(self, label: str) -> str:
        """The value of a label that every series must have. Raises Failure where it is not set."""
        found = self.get(label)
        if found is not None:
            return found
        present = ", ".join(self.labels) or "no labels"
        raise Failure(
            f'a series has no label "{label}" (it has {present}); keep the label in the '
            "query's by (…)",
            self._query,
        )


class Series(_Answered):
    """One series of an instant vector: `series["pod"]`, `series.get("code")`, `series.value`."""

    __slots__ = ("time", "value")

    value: float
    """The sample's value. May be NaN or infinite, as it came."""
    time: int
    """When the sample was taken, in milliseconds since the epoch."""

    def __init__(self, table: _Table, row: int, query: str, time: int, value: float) -> None:
        super().__init__(table, row, query)
        self.time, self.value = time, value

    @property
    def sample(self) -> Sample:
        """Value and time."""
        return Sample(self.time, self.value)


class Range(_Answered):
    """One series of a range query."""

    __slots__ = ("times", "values")

    times: list[int]
    """When the samples were taken, oldest first, in milliseconds since the epoch."""
    values: list[float]
    """The values, oldest first."""

    def __init__(
        self, table: _Table, row: int, query: str, times: list[int], values: list[float]
    ) -> None:
        super().__init__(table, row, query)
        self.times, self.values = times, values

    @property
    def samples(self) -> list[Sample]:
        """The samples, oldest first."""
        return list(map(Sample, self.times, self.values))


class Object(_Labelled):
    """An object that exists in the scope."""

    __slots__ = ("address", "name", "namespace")

    name: str
    """The object's name."""
    namespace: str | None
    """The object's namespace, None for those that live in none."""
    address: str | None
    """Where the object can be reached, as the IP address of a pod; None where that is not known, or
    the `Plan` does not ask for it."""

    def __init__(
        self, table: _Table, row: int, name: str, namespace: str | None, address: str | None
    ) -> None:
        super().__init__(table, row)
        self.name, self.namespace, self.address = name, namespace, address


class _AllSeries(Sequence[Series]):
    """The series of a vector, made as they are read: an answer may have many."""

    __slots__ = ("_query", "_raw", "_table")

    def __init__(self, table: _Table, raw: records.Vector, query: str) -> None:
        self._table, self._raw, self._query = table, raw, query

    def __len__(self) -> int:
        return len(self._raw.values)

    def __iter__(self) -> Iterator[Series]:
        table, query = self._table, self._query
        for row, (time, value) in enumerate(zip(self._raw.times, self._raw.values, strict=True)):
            yield Series(table, row, query, time, value)

    def __getitem__(self, row):  # type: ignore[no-untyped-def]
        rows = range(len(self))[row]
        return self._at(rows) if isinstance(rows, int) else [self._at(one) for one in rows]

    def _at(self, row: int) -> Series:
        raw = self._raw
        return Series(self._table, row, self._query, raw.times[row], raw.values[row])


_KINDS = {
    "Data_Vector": "an instant vector",
    "Data_Matrix": "a range matrix",
    "Data_Scalar": "a scalar",
    "Data_Text": "a string",
}


class Answer:
    """What one query was answered with."""

    __slots__ = ("_raw", "_table", "_texts", "input", "query", "unit", "warnings")

    query: str
    """The query's name."""
    unit: str | None
    """What the values are counted in, if the source says so, in its own words: `count`, `percent`,
    `milliseconds`, `bits_per_second` … Prometheus says nothing of it."""
    warnings: list[str]
    """What the source warned of."""
    input: Input
    """The input that this is an answer of."""

    def __init__(self, input: Input, raw: records.Answer) -> None:
        self.input, self.query, self.unit, self.warnings = input, raw.query, raw.unit, raw.warnings
        self._texts, self._raw = input._texts, raw.data
        labels = records.Labels([], 0, [])
        if isinstance(raw.data, (records.Data_Vector, records.Data_Matrix)):
            labels = raw.data.value.labels
        self._table = _Table(self._texts, labels)

    @property
    def series(self) -> Sequence[Series]:
        """The series of an instant vector. Raises Failure if the answer has another type."""
        if isinstance(self._raw, records.Data_Vector):
            return _AllSeries(self._table, self._raw.value, self.query)
        raise self._unexpected("an instant vector")

    @property
    def ranges(self) -> Sequence[Range]:
        """The series of a range query. Raises Failure if the answer has another type."""
        if not isinstance(self._raw, records.Data_Matrix):
            raise self._unexpected("a range matrix")
        raw, found, start = self._raw.value, [], 0
        for row, end in enumerate(raw.ends):
            times, values = raw.times[start:end], raw.values[start:end]
            found.append(Range(self._table, row, self.query, times, values))
            start = end
        return found

    @property
    def scalar(self) -> Sample:
        """The sample of a scalar. Raises Failure if the answer has another type."""
        if isinstance(self._raw, records.Data_Scalar):
            return Sample(self._raw.value.time, self._raw.value.value)
        raise self._unexpected("a scalar")

    @property
    def is_scalar(self) -> bool:
        """Whether the answer is a scalar, for plugins that take either."""
        return isinstance(self._raw, records.Data_Scalar)

    @property
    def is_range(self) -> bool:
        """Whether the answer is a range matrix, for plugins that take either."""
        return isinstance(self._raw, records.Data_Matrix)

    @property
    def text(self) -> str:
        """The text of a string result. Raises Failure if the answer has another type."""
        if isinstance(self._raw, records.Data_Text):
            return self._texts[self._raw.value.text]
        raise self._unexpected("a string")

    def column(self, label: str) -> list[str] | None:
        """The values of one label, one for each series, with "" where it is not set. None if no
        series has it. With `values` and `times` the fastest way to read many series."""
        return self._table.column(label)

    @property
    def values(self) -> list[float]:
        """The values of an instant vector, one for each series."""
        if isinstance(self._raw, records.Data_Vector):
            return self._raw.value.values
        raise self._unexpected("an instant vector")

    @property
    def times(self) -> list[int]:
        """The times of an instant vector, one for each series."""
        if isinstance(self._raw, records.Data_Vector):
            return self._raw.value.times
        raise self._unexpected("an instant vector")

    def _unexpected(self, wanted: str) -> Failure:
        found = _KINDS[type(self._raw).__name__]
        return Failure(f"expected {wanted}, and the answer is {found}", self.query)
