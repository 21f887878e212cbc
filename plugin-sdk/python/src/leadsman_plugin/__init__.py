"""Write a Leadsman plugin in Python: one function from the answers of queries to a value for each
object.

    from dataclasses import dataclass
    from typing import Annotated

    from leadsman_plugin import Input, Measures, plugin


    @dataclass
    class Config:
        \"\"\"How busy each pod is.\"\"\"

        workers: Annotated[int, "How many workers a pod has."]


    @plugin(name="busy", version="0.1.0", about="How busy each pod is")
    def busy(config: Config, input: Input) -> Measures:
        measures = Measures()
        for series in input["busy"].series:
            measures.add(series["pod"], series.value / config.workers, time=series.time)
        return measures

`leadsman_plugin.testing` runs a folder of JSON fixtures against it under pytest;
`python -m leadsman_plugin build` makes the component.
"""

from . import log
from ._build import BuildError, InputBuilder
from ._duration import parse_duration
from ._failure import Failure, Fault, Faults
from ._input import Answer, Input, Object, Range, Sample, Series
from ._measures import Item, Measures, ObjectKey, Row
from ._objects import (
    NAMESPACE_LABEL,
    Combine,
    FixedObject,
    ObjectFinder,
    ObjectSource,
    ObjectValue,
    Target,
    Targets,
    by_object,
    combined,
)
from ._plan import Api, Context, ObjectColumns, OwnQuery, Plan
from ._plugin import Plugin, plugin
from ._query import NsxAlbQuery, Query
from ._schema import Key, Limits
from ._summable import is_health_score, may_be_summed

__all__ = [
    "NAMESPACE_LABEL",
    "Answer",
    "Api",
    "BuildError",
    "Combine",
    "Context",
    "Failure",
    "Fault",
    "Faults",
    "FixedObject",
    "Input",
    "InputBuilder",
    "Item",
    "Key",
    "Limits",
    "Measures",
    "NsxAlbQuery",
    "Object",
    "ObjectColumns",
    "ObjectFinder",
    "ObjectKey",
    "ObjectSource",
    "ObjectValue",
    "OwnQuery",
    "Plan",
    "Plugin",
    "Query",
    "Range",
    "Row",
    "Sample",
    "Series",
    "Target",
    "Targets",
    "by_object",
    "combined",
    "is_health_score",
    "log",
    "may_be_summed",
    "parse_duration",
    "plugin",
]
