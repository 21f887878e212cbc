"""A configuration: the schema of a dataclass, and what is told of one that is wrong."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest

from leadsman_plugin import (
    Combine,
    Faults,
    FixedObject,
    Input,
    Key,
    Limits,
    Measures,
    ObjectSource,
    Plugin,
    plugin,
)


class Colour(StrEnum):
    """What it looks like."""

    RED = "red"
    DARK_BLUE = "dark-blue"


@dataclass
class Step:
    """One step."""

    at: Annotated[float, Limits(minimum=0, below=100)]
    name: str = ""


@dataclass
class Config:
    """Everything that a configuration may have."""

    workers: Annotated[int, "How many workers a pod has.", Limits(minimum=1)]
    object: ObjectSource
    without_numerator: Literal["omit", "zero"] = "omit"
    combine: Combine = Combine.FAIL
    colour: Colour | None = None
    age: timedelta = timedelta(minutes=5)
    steps: list[Step] = field(default_factory=list)
    weights: dict[str, float] = field(default_factory=dict)
    dry_run: Annotated[bool, Key("dry-run")] = False
    anything: Any = None

    def __post_init__(self) -> None:
        if self.dry_run and self.workers > 5:
            raise ValueError("a dry run has at most 5 workers")


@plugin(name="everything")
def everything(config: Config, input: Input) -> Measures:
    """Does nothing with it.

    At length.
    """
    return Measures()


def faults(config: object, of: Plugin = everything) -> list[tuple[str, str]]:
    with pytest.raises(Faults) as raised:
        of.parse(json.dumps(config))
    return [(fault.path, fault.message) for fault in raised.value.faults]


def test_a_configuration_is_read_into_the_types() -> None:
    written = {
        "workers": 4.0,
        "object": {"name": "web"},
        "withoutNumerator": "zero",
        "combine": "max",
        "colour": "dark-blue",
        "age": "1m30s",
        "steps": [{"at": 5}],
        "weights": {"a": 1},
        "dry-run": True,
        "anything": [1],
    }
    assert everything.parse(json.dumps(written)) == Config(
        workers=4,
        object=FixedObject("web"),
        without_numerator="zero",
        combine=Combine.MAX,
        colour=Colour.DARK_BLUE,
        age=timedelta(seconds=90),
        steps=[Step(at=5.0)],
        weights={"a": 1.0},
        dry_run=True,
        anything=[1],
    )


def test_all_faults_are_told_at_once_with_their_places() -> None:
    written = {
        "workers": 0,
        "object": 5,
        "combine": "median",
        "colour": 1,
        "age": "soon",
        "steps": [{"at": 100, "nme": "x"}, {}],
        "weights": {"a/b~c": "1"},
        "dry-run": 0,
        "a\nb": 1,
    }
    assert faults(written) == [
        ("/workers", "must be at least 1"),
        ("/object", "is a number, and must be a string or an object"),
        ("/combine", '"median" must be one of fail, sum, max, min, average, omit, first'),
        ("/colour", "is a number, and must be one of red, dark-blue or null"),
        ("/age", '"soon" is not a duration such as 30s, 1m30s, 2h or 7d'),
        ("/steps/0/at", "must be below 100"),
        ("/steps/0/nme", "unknown field `nme`, expected one of `at`, `name`"),
        ("/steps/1", "missing field `at`"),
        ("/weights/a~1b~0c", "is a string, and must be a number"),
        ("/dry-run", "is a number, and must be true or false"),
        (
            "/a\nb",
            "unknown field `a\\nb`, expected one of `workers`, `object`, `withoutNumerator`, "
            "`combine`, `colour`, `age`, `steps`, `weights`, `dry-run`, `anything`",
        ),
    ]
    assert faults({}) == [("", "missing field `workers`"), ("", "missing field `object`")]
    assert faults([]) == [("", "is a list, and must be an object")]
    assert faults({"workers": True, "object": "pod"})[0][0] == "/workers"
    assert faults({"workers": 1, "object": {"nam": "a"}})[0][0] == "/object/nam"
    told = faults({"workers": 9, "object": "pod", "dry-run": True})
    assert told == [("", "a dry run has at most 5 workers")]


def test_the_schema_is_that_of_the_hints() -> None:
    schema = json.loads(everything.config_schema)
    assert schema["description"] == "Everything that a configuration may have."
    assert schema["required"] == ["workers", "object"]
    assert schema["additionalProperties"] is False
    properties = schema["properties"]
    workers = {"type": "integer", "description": "How many workers a pod has.", "minimum": 1}
    assert properties["workers"] == workers
    assert [one["type"] for one in properties["object"]["anyOf"]] == ["string", "object"]
    choice = {"type": "string", "enum": ["omit", "zero"], "default": "omit"}
    assert properties["withoutNumerator"] == choice
    assert properties["age"] == {"type": "string", "default": "300000ms"}
    step = properties["steps"]["items"]
    assert step["properties"]["at"] == {"type": "number", "minimum": 0, "exclusiveMaximum": 100}
    assert properties["weights"]["additionalProperties"] == {"type": "number"}
    assert properties["dry-run"]["type"] == "boolean"
    assert everything.about == "Does nothing with it."


def test_what_cannot_be_a_configuration_is_told_when_the_module_is_loaded() -> None:
    @dataclass
    class Wrong:
        at: complex

    def takes(config: Wrong, input: Input) -> Measures:
        return Measures()

    takes.__annotations__["config"] = Wrong
    with pytest.raises(TypeError, match=r"wrong\.at: .*complex.* is no type of a configuration"):
        plugin(name="wrong")(takes)

    def untyped(config, input):  # type: ignore[no-untyped-def]
        return Measures()

    with pytest.raises(TypeError, match="first argument of untyped needs a hint"):
        plugin(name="untyped")(untyped)


def test_a_plugin_may_have_no_configuration() -> None:
    @plugin(name="plain", about="Plain")
    def plain(input: Input) -> Measures:
        return Measures()

    assert plain.parse("{}") is None
    assert faults({"a": 1}, plain) == [("", "this plugin has no configuration")]
    assert json.loads(plain.config_schema)["additionalProperties"] is False
