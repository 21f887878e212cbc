"""{{About}}."""

from dataclasses import dataclass
from typing import Annotated

from leadsman_plugin import Api, Combine, Context, Fault, Input, Measures, Plan, by_object, plugin


@dataclass
class Config:
    """What a mapping has under `config`. Its types make the schema that mappings are checked against."""

    capacity: Annotated[float, "How much a pod can do at once."]


@plugin(
    name="{{name}}",
    version="0.1.0",
    about="{{About}}",
)
def evaluate(config: Config, input: Input) -> Measures:
    measures = Measures()
    # Several series of one pod are added.
    for busy in by_object(input.only, "pod", combine=Combine.SUM):
        measures.add(busy.object, busy.value / config.capacity, time=busy.time)
    return measures


@evaluate.plan
def plan(config: Config, context: Context) -> Plan:
    """Runs when a configuration is loaded: what is wrong is told then, with its line."""
    return Plan.unless(
        context.served_in(Api.CUSTOM),
        context.only_instant(),
        Fault("/capacity", "must be above 0") if config.capacity <= 0 else None,
    )
