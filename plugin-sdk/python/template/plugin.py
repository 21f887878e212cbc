"""Errors per request of each object."""

from dataclasses import dataclass
from typing import Annotated

from leadsman_plugin import (
    Combine,
    Context,
    Fault,
    Input,
    Measures,
    ObjectSource,
    Plan,
    by_object,
    plugin,
)


@dataclass
class Config:
    """Which object each series is for, and what is divided by."""

    object: Annotated[ObjectSource, "The label with the object's name, or a fixed object."] = "pod"
    floor: Annotated[
        float | None, "The least that is divided by: fewer requests count as this."
    ] = None
    combine: Annotated[Combine, "What to do when several series are for one object."] = Combine.SUM


@plugin(name="{{name}}", version="0.1.0", about="Errors per request of each object")
def ratio(config: Config, input: Input) -> Measures:
    errors = {
        value.object: value
        for value in by_object(input["errors"], config.object, combine=config.combine)
    }
    measures = Measures()
    for requests in by_object(input["requests"], config.object, combine=config.combine):
        failed = errors.get(requests.object)
        total = max(requests.value, config.floor or 0)
        if failed is not None and total != 0:
            time = min(failed.time, requests.time)
            measures.add(requests.object, failed.value / total, time=time)
    return measures


@ratio.plan
def plan(config: Config, context: Context) -> Plan:
    floor = None
    if config.floor is not None and config.floor <= 0:
        floor = Fault("/floor", "must be a number above 0")
    return Plan.unless(context.instant("errors"), context.instant("requests"), floor)
