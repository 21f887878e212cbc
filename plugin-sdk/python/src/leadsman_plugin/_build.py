"""Builds inputs, for tests and benchmarks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ._contract import records
from ._input import Input
from ._text import Interner


class BuildError(ValueError):
    """What was wrong with the JSON given to an `InputBuilder`."""


class InputBuilder:
    """Makes an `Input` from what Prometheus answers. Without `namespace` it is for the cluster."""

    def __init__(self, *, namespace: str | None = None, now: int = 0) -> None:
        # The empty string is the first one of an input.
        self._texts = Interner({}, 0)
        self._texts.number("")
        self._scope = (
            records.Scope_Cluster() if namespace is None else records.Scope_Namespace(namespace)
        )
        self._now = now
        self._answers: list[records.Answer] = []
        self._objects: list[tuple[str, str, Mapping[str, str], str]] = []

    def answer(self, query: str, data: str | Mapping[str, Any]) -> InputBuilder:
        """Adds an answer, as the Prometheus HTTP API gives it, as text or parsed: its whole body, or
        only its `data`. Beside `resultType`, `unit` may say what the values are counted in. Raises
        BuildError."""
        try:
            parsed: Any = json.loads(data) if isinstance(data, str) else data
            parsed = parsed.get("data", parsed)
            made = self._data(parsed["resultType"], parsed["result"])
            unit = parsed.get("unit") or None
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise BuildError(f"is no answer of Prometheus: {error!r}") from error
        except ValueError as error:
            raise BuildError(str(error)) from error
        self._answers.append(records.Answer(query, made, unit, []))
        return self

    def object(
        self,
        name: str,
        *,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
        address: str | None = None,
    ) -> InputBuilder:
        """Adds an object that exists in the scope."""
        self._objects.append((name, namespace or "", labels or {}, address or ""))
        return self

    def finish(self) -> Input:
        """The input."""
        return Input(self.finish_raw())

    def finish_raw(self) -> records.Input:
        """The input as the adapter hands it over."""
        objects = None
        if self._objects:
            number = self._texts.number
            objects = records.Objects(
                names=[number(name) for name, _, _, _ in self._objects],
                namespaces=[number(namespace) for _, namespace, _, _ in self._objects],
                labels=self._labels([labels for _, _, labels, _ in self._objects]),
                addresses=[number(address) for _, _, _, address in self._objects],
            )
        dictionary = self._texts.dictionary()
        return records.Input(dictionary, self._scope, self._answers, objects, self._now)

    def _data(self, kind: str, result: Any) -> records.Data:
        if kind == "vector":
            points = [_point(one["value"]) for one in result]
            labels = self._labels([one["metric"] for one in result])
            times, values = [time for time, _ in points], [value for _, value in points]
            return records.Data_Vector(records.Vector(labels, times, values))
        if kind == "matrix":
            ends, times, values = [], [], []
            for one in result:
                for time, value in map(_point, one["values"]):
                    times.append(time)
                    values.append(value)
                ends.append(len(values))
            labels = self._labels([one["metric"] for one in result])
            return records.Data_Matrix(records.Matrix(labels, ends, times, values))
        if kind == "scalar":
            time, value = _point(result)
            return records.Data_Scalar(records.Scalar(time, value))
        if kind == "string":
            seconds, text = result
            message = records.Message(_milliseconds(seconds), self._texts.number(text))
            return records.Data_Text(message)
        raise BuildError(f'unknown resultType "{kind}"')

    def _labels(self, rows: Sequence[Mapping[str, str]]) -> records.Labels:
        number = self._texts.number
        names = list(dict.fromkeys(name for labels in rows for name in labels))
        cells = [number(labels.get(name, "")) for name in names for labels in rows]
        return records.Labels([number(name) for name in names], len(rows), cells)


def _point(sample: Any) -> tuple[int, float]:
    seconds, text = sample
    if not isinstance(text, str):
        raise BuildError(f"the sample value {text!r} is not a string")
    try:
        return _milliseconds(seconds), float(text)
    except ValueError:
        raise BuildError(f'the sample value "{text}" is not a number') from None


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
