"""{{About}}."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from leadsman_plugin import Api, Context, Fault, Input, Measures, Plan, Targets, plugin


@dataclass
class Config:
    """What a mapping has under `config`. Its types make the schema that mappings are checked against."""

    half_life: Annotated[timedelta, "A sample that is older by this counts half as much."] = (
        timedelta(minutes=1)
    )


@plugin(
    name="{{name}}",
    version="0.1.0",
    about="{{About}}",
)
def evaluate(config: Config, input: Input) -> Measures:
    half_life = config.half_life.total_seconds() * 1000
    history = input.only
    targets = Targets(history, "pod")
    measures = Measures()
    for series in history.ranges:
        target = targets.of(series)
        if target is None or not series.times:
            continue
        first, last = series.times[0], series.times[-1]
        weights: list[float] = [2 ** (-(last - time) / half_life) for time in series.times]
        samples = zip(weights, series.values, strict=True)
        mean = sum(weight * value for weight, value in samples) / sum(weights)
        measures.add(target, mean, time=last, window=timedelta(milliseconds=last - first))
    return measures


@evaluate.plan
def plan(config: Config, context: Context) -> Plan:
    """Runs when a configuration is loaded: what is wrong is told then, with its line."""
    positive = config.half_life > timedelta()
    return Plan.unless(
        context.served_in(Api.CUSTOM),
        context.only_range(),
        None if positive else Fault("/halfLife", "must be above 0s"),
    )
