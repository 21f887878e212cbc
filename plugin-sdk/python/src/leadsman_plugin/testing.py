"""Fixtures: an evaluation written down as JSON, run against a plugin natively.

    from leadsman_plugin import testing
    from busy import busy

    test_fixtures = testing.fixtures(busy, "fixtures")

Each file is a test of its own under pytest. The format is the one of the page on plugins, and the
adapter runs the same files on the component.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ._build import BuildError, InputBuilder
from ._failure import Failure, Faults
from ._input import Input
from ._measures import Row
from ._plan import Api, Context, OwnQuery
from ._plugin import Plugin

_KEYS = {
    "serve",
    "config",
    "namespace",
    "now",
    "queries",
    "asked",
    "brings",
    "resource",
    "objects",
    "expect",
}
_OBJECT_KEYS = {"namespace", "name", "labels", "address"}
_MEASURE_KEYS = {"object", "namespace", "value", "time", "window", "labels"}


# Names the file from which `leadsman plugin test` takes what came of each fixture, to show it beside
# what the component gives. It gets a line for each of them.
_REPORT = "LEADSMAN_FIXTURE_REPORT"


class FixtureError(AssertionError):
    """What differs, or why a fixture cannot be read."""

    found: dict[str, Any] | None = None
    """What came, in the form of `expect`; None if nothing did."""

    def _with(self, found: dict[str, Any]) -> FixtureError:
        self.found = found
        return self


def fixtures(plugin: Plugin, folder: str | Path = "fixtures") -> Callable[..., None]:
    """A test for pytest with a case for every `*.json` of a folder, relative to the file that calls
    this. Raises FixtureError if the folder holds none."""
    import pytest

    at = Path(folder)
    if not at.is_absolute():
        at = Path(sys._getframe(1).f_globals["__file__"]).parent / at
    paths = sorted(at.glob("*.json"))
    if not paths:
        raise FixtureError(f"{folder} holds no fixture")

    @pytest.mark.parametrize("path", paths, ids=[path.stem for path in paths])
    def test_fixture(path: Path) -> None:
        __tracebackhide__ = True
        came: FixtureError | None = None
        try:
            check(plugin, read(path))
        except FixtureError as error:
            came = error
            raise
        except Exception as error:
            came = FixtureError(f"{type(error).__name__}: {error}")
            raise
        finally:
            _report(path.stem, came)

    return test_fixture


def _report(fixture: str, came: FixtureError | None) -> None:
    """Tells what came of a fixture, if somebody asks for it."""
    file = os.environ.get(_REPORT)
    if not file:
        return
    reason, found = (None, None) if came is None else (str(came).strip(), came.found)
    line = {"fixture": fixture, "reason": reason, "found": found}
    try:
        text = json.dumps(line, allow_nan=False)
    except ValueError:  # NaN and infinities are no JSON: the reason has them
        text = json.dumps({**line, "found": None})
    with Path(file).open("a", encoding="utf-8") as report:
        # In one piece: tests may run side by side.
        report.write(text + "\n")


def read(path: str | Path) -> Fixture:
    """Reads a fixture. Raises FixtureError."""
    try:
        return Fixture(json.loads(Path(path).read_text(encoding="utf-8")))
    except ValueError as error:
        raise FixtureError(f"{path}: {error}") from error


def check(plugin: Plugin, fixture: Fixture | dict[str, Any]) -> None:
    """Runs a fixture against a plugin. Raises FixtureError, which says what differs."""
    __tracebackhide__ = True
    (fixture if isinstance(fixture, Fixture) else Fixture(fixture)).check(plugin)


class Fixture:
    """An evaluation and what must come of it."""

    def __init__(self, written: Any) -> None:
        _only(written, _KEYS, "a fixture")
        expect = written.get("expect")
        if not (isinstance(expect, dict) and len(expect) == 1):
            raise FixtureError("`expect` must be one of measures, failure and faults")
        _only(expect, {"measures", "failure", "faults"}, "`expect`")
        if written.get("serve", "custom") not in ("custom", "external"):
            raise FixtureError("`serve` must be custom or external")
        for one in written.get("objects") or []:
            _only(one, _OBJECT_KEYS, "an object")
        for one in expect.get("measures") or []:
            _only(one, _MEASURE_KEYS, "a measure")
        self._written, self._expect = written, expect

    @property
    def context(self) -> Context:
        """The mapping that the fixture tells of."""
        written, asked = self._written, self._written.get("asked") or {}
        brought = written.get("brings") or {}
        own = [
            OwnQuery(name, _is_range(answer), asked.get(name))
            for name, answer in sorted((written.get("queries") or {}).items())
            if name not in brought
        ]
        if written.get("serve") == "external":
            return Context(Api.EXTERNAL, own)
        return Context(Api.CUSTOM, own, self._resource())

    def _resource(self) -> str:
        # What the metric is served for, where it matters to no one: pods, or nodes where no measure
        # has a namespace. The adapter takes the same.
        written = self._written
        if written.get("resource") is not None:
            return str(written["resource"])
        measures = self._expect.get("measures")
        of_none = measures is not None and all(one.get("namespace") is None for one in measures)
        return "nodes" if written.get("namespace") is None and of_none else "pods"

    @property
    def config(self) -> str:
        """The configuration, as JSON."""
        config = self._written.get("config")
        return json.dumps({} if config is None else config)

    @property
    def input(self) -> Input:
        """The input of the evaluation. Raises FixtureError."""
        return self.builder().finish()

    def builder(self) -> InputBuilder:
        """What makes the input. Raises FixtureError."""
        written = self._written
        now = round((written.get("now") or 0) * 1000)
        builder = InputBuilder(namespace=written.get("namespace"), now=now)
        for name, answer in sorted((written.get("queries") or {}).items()):
            try:
                builder.answer(name, answer)
            except BuildError as error:
                raise FixtureError(f'query "{name}": {error}') from error
        for one in written.get("objects") or []:
            builder.object(
                one["name"],
                namespace=one.get("namespace"),
                labels=one.get("labels"),
                address=one.get("address"),
            )
        return builder

    def check(self, plugin: Plugin) -> None:
        """Runs the fixture. Raises FixtureError, which says what differs."""
        __tracebackhide__ = True
        expect = self._expect
        try:
            plan = plugin.configure(self.config, self.context)
        except Faults as faults:
            paths = [fault.path for fault in faults.faults]
            if "faults" not in expect:
                error = FixtureError(f"the configuration was refused: {faults}")
                raise error._with({"faults": paths}) from None
            return _same(expect["faults"], paths, "faults")
        if "faults" in expect:
            raise FixtureError("the configuration was accepted")
        if self._written.get("brings") is not None:
            _same(self._written["brings"], {query.name: query.keys for query in plan.queries})
        input = self.input
        try:
            measures = plugin.run(self.config, input)
            measures._into_raw(input)  # what the adapter would be given can be made
        except Failure as failure:
            if "failure" not in expect:
                error = FixtureError(f"failed: {failure}")
                raise error._with({"failure": str(failure)}) from failure
            if expect["failure"] not in str(failure):
                error = FixtureError(
                    f'the failure "{failure}" does not contain "{expect["failure"]}"'
                )
                raise error._with({"failure": str(failure)}) from None
            return None
        found = self._sorted(_row(row) for row in measures.rows())
        if "failure" in expect:
            error = FixtureError(f"expected a failure, found {measures.rows()}")
            raise error._with({"measures": found})
        expected = self._sorted(_measure(one) for one in expect["measures"])
        for one, wanted in zip(found, expected, strict=False):
            # A fixture may have what is served, as `--bless` writes it.
            if _served(one["value"]) == wanted.get("value"):
                one["value"] = wanted["value"]
        return _same(expected, found, "measures")

    def _sorted(self, measures: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """In the order in which they are compared. The fixture's own namespace may be left out."""
        own = self._written.get("namespace")
        without_own = (
            {key: value for key, value in one.items() if key != "namespace" or value != own}
            for one in measures
        )
        return sorted(without_own, key=_order)


def _only(written: Any, known: set[str], what: str) -> None:
    if not isinstance(written, dict):
        raise FixtureError(f"{what} is a JSON object")
    for key in written:
        if key not in known:
            raise FixtureError(f'{what} has no key "{key}"')


def _is_range(answer: dict[str, Any]) -> bool:
    return bool(answer.get("data", answer).get("resultType") == "matrix")


def _row(row: Row) -> dict[str, Any]:
    time = None if row.time is None else row.time / 1000
    written = {"object": row.object, "namespace": row.namespace, "value": row.value, "time": time}
    return _measure({**written, "window": row.window, "labels": row.labels})


def _measure(written: dict[str, Any]) -> dict[str, Any]:
    """A measure with the keys that say something, so that both sides read alike."""
    return {key: value for key, value in written.items() if value not in (None, "", {})}


def _served(value: float) -> float:
    """A value as the adapter serves it: cut off at thousandths, and never 0 unless it is."""
    if not math.isfinite(value):
        return value
    exact = value * 1000
    milli = round(exact)
    # A rounding error of the multiplication does not lose a thousandth.
    if abs(exact - milli) > abs(milli) * 2 * sys.float_info.epsilon:
        milli = math.trunc(exact)
    if milli == 0 and value != 0:
        return math.copysign(0.001, value)
    return milli / 1000


def _order(measure: dict[str, Any]) -> Any:
    labels = sorted(measure.get("labels", {}).items())
    return (measure.get("namespace", ""), measure.get("object", ""), labels)


def _same(expected: Any, found: Any, kind: str | None = None) -> None:
    __tracebackhide__ = True
    if expected != found:
        error = FixtureError(f"\n  expected {expected!r}\n  found    {found!r}")
        raise error if kind is None else error._with({kind: found})
