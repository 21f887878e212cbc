"""The runner of fixtures says what differs."""

import json
from pathlib import Path
from typing import Any

import pytest

from leadsman_plugin import Input, Measures, Plan, Query, plugin, testing
from leadsman_plugin._plan import Context
from leadsman_plugin.testing import FixtureError

VECTOR = {"resultType": "vector", "result": [{"metric": {"pod": "a"}, "value": [1.5, "2"]}]}


@plugin(name="twice", about="Twice")
def twice(input: Input) -> Measures:
    measures = Measures()
    for series in input["q"].series:
        measures.add(series["pod"], 2 * series.value, time=series.time)
    return measures


@twice.plan
def plan(config: None, context: Context) -> Plan:
    return Plan(queries=[Query.instant("brought", "up")])


def fixture(expect: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"namespace": "d", "queries": {"q": VECTOR}, "expect": expect, **more}


RIGHT = {"measures": [{"object": "a", "value": 4, "time": 1.5}]}


def test_what_is_right_passes() -> None:
    testing.check(twice, fixture(RIGHT))
    testing.check(twice, fixture(RIGHT, brings={"brought": {"promql": "up"}}))
    testing.check(twice, fixture({"failure": "no query named"}, queries={}))


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (fixture({"measures": []}), "found    .*'object': 'a', 'value': 4.0, 'time': 1.5"),
        (fixture({"measures": [{"object": "a", "value": 4}]}), "'time': 1.5"),
        (fixture({"failure": "x"}), "expected a failure, found"),
        (fixture({"faults": [""]}), "the configuration was accepted"),
        (fixture(RIGHT, config={"a": 1}), "was refused: this plugin has no configuration"),
        (fixture(RIGHT, brings={}), "expected {}"),
        (fixture(RIGHT, queries={}), "failed: the mapping has no query"),
        (fixture({"failure": "other"}, queries={}), 'does not contain "other"'),
        (fixture(RIGHT, query={}), 'a fixture has no key "query"'),
        (fixture({"measures": [{"objekt": "a"}]}), 'a measure has no key "objekt"'),
        (fixture({"measures": [], "faults": []}), "`expect` must be one of"),
        (fixture(RIGHT, serve="both"), "`serve` must be custom or external"),
        (fixture(RIGHT, queries={"q": {"resultType": "x"}}), 'query "q": is no answer'),
    ],
)
def test_what_differs_is_told(written: dict[str, Any], told: str) -> None:
    with pytest.raises(FixtureError, match=told):
        testing.check(twice, written)


def test_a_folder_without_fixtures_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FixtureError, match="holds no fixture"):
        testing.fixtures(twice, tmp_path)
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    with pytest.raises(FixtureError, match="broken.json: Expecting property name"):
        testing.read(broken)


def test_an_exception_of_the_plugin_is_not_hidden() -> None:
    @plugin(name="broken", about="Broken")
    def broken(input: Input) -> Measures:
        raise ZeroDivisionError("by the author")

    with pytest.raises(ZeroDivisionError, match="by the author"):
        testing.check(broken, fixture({"failure": "ZeroDivisionError"}))


def test_each_fixture_is_a_line_of_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "report"
    monkeypatch.setenv("LEADSMAN_FIXTURE_REPORT", str(report))
    folder = tmp_path / "fixtures"
    folder.mkdir()
    for name, expect in [("right", RIGHT), ("wrong", {"measures": []})]:
        (folder / f"{name}.json").write_text(json.dumps(fixture(expect)))
    test_fixture = testing.fixtures(twice, folder)
    test_fixture(folder / "right.json")
    with pytest.raises(FixtureError):
        test_fixture(folder / "wrong.json")
    right, wrong = [json.loads(line) for line in report.read_text().splitlines()]
    assert right == {"fixture": "right", "reason": None, "found": None}
    assert (wrong["fixture"], wrong["found"]) == ("wrong", RIGHT)
    assert wrong["reason"].startswith("expected []")


def test_the_namespace_of_a_fixture_may_be_left_out() -> None:
    @plugin(name="named", about="Named")
    def named(input: Input) -> Measures:
        measures = Measures()
        measures.add("a", 1, namespace="d")
        return measures

    for namespace in ({}, {"namespace": "d"}):
        testing.check(named, fixture({"measures": [{"object": "a", "value": 1, **namespace}]}))
    with pytest.raises(FixtureError):
        other = {"object": "a", "value": 1, "namespace": "e"}
        testing.check(named, fixture({"measures": [other]}))


@pytest.mark.parametrize(
    ("value", "served"),
    [
        (1 / 3, 0.333),
        (2 / 3, 0.666),
        (-2 / 3, -0.666),
        (0.029, 0.029),
        (0.0001, 0.001),
        (-0.0001, -0.001),
        (0.0, 0.0),
        (12.0, 12.0),
    ],
)
def test_a_fixture_may_have_what_is_served(value: float, served: float) -> None:
    @plugin(name="one", about="One")
    def one(input: Input) -> Measures:
        measures = Measures()
        measures.add("a", value)
        return measures

    testing.check(one, fixture({"measures": [{"object": "a", "value": served}]}))
    with pytest.raises(FixtureError):
        testing.check(one, fixture({"measures": [{"object": "a", "value": served + 0.001}]}))
