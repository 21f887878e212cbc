"""Where a value is going: the straight line through the last samples of each object, a while ahead.

With `promql` the plugin brings the range query itself; without, it takes the mapping's own."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from leadsman_plugin import (
    Context,
    Fault,
    Input,
    Measures,
    ObjectSource,
    Plan,
    Query,
    Range,
    Targets,
    plugin,
)

OWN = "history"


@dataclass
class Config:
    """What is followed, and how far."""

    ahead: Annotated[timedelta, "How far ahead the value is."]
    object: Annotated[
        ObjectSource | None,
        "The label with the object's name, or a fixed object. Left out for an external metric.",
    ] = None
    promql: Annotated[
        str | None, "What is asked of Prometheus, in place of a query of the mapping."
    ] = None
    over: Annotated[timedelta, "Over which time, with `promql`."] = timedelta(minutes=10)
    step: Annotated[timedelta, "One sample in this time, with `promql`."] = timedelta(seconds=30)


@plugin(name="trend", version="0.1.0", about="The straight line through the last samples, ahead")
def trend(config: Config, input: Input) -> Measures:
    answer = input[OWN] if config.promql else input.only
    targets = Targets(answer, config.object)
    measures = Measures()
    for series in answer.ranges:
        target = targets.of(series)
        if target is not None and len(series.values) > 1:
            window = timedelta(milliseconds=series.times[-1] - series.times[0])
            value = line(series, config.ahead)
            measures.add(target, value, time=series.times[-1], window=window)
    return measures


@trend.plan
def plan(config: Config, context: Context) -> Plan:
    fits = context.object_fits(config.object is not None)
    if config.promql is None:
        return Plan.unless(fits, context.only_range())
    none = step = None
    if context.queries:
        none = Fault("/promql", "takes the place of the mapping's queries, and there are some")
    if not timedelta(seconds=1) <= config.step <= config.over:
        step = Fault("/step", "must be at least 1s and at most `over`")
    own = Query.range(OWN, config.promql, config.over, max(config.step, timedelta(seconds=1)))
    return Plan.unless(fits, none, step, queries=[own])


def line(series: Range, ahead: timedelta) -> float:
    """The least squares line, after the last sample."""
    last = series.times[-1]
    seconds = [(time - last) / 1000 for time in series.times]
    count = len(seconds)
    middle, mean = sum(seconds) / count, sum(series.values) / count
    pairs = zip(seconds, series.values, strict=True)
    slope = sum((x - middle) * (y - mean) for x, y in pairs)
    slope /= sum((x - middle) ** 2 for x in seconds) or 1.0
    return mean + slope * (ahead.total_seconds() - middle)
