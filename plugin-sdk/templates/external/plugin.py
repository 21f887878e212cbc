"""{{About}}."""

from dataclasses import dataclass
from typing import Annotated

from leadsman_plugin import Api, Context, Fault, Input, Measures, Plan, plugin


@dataclass
class Config:
    """What a mapping has under `config`. Its types make the schema that mappings are checked against."""

    per_second: Annotated[float, "How many messages are handled in a second."]


@plugin(
    name="{{name}}",
    version="0.1.0",
    about="{{About}}",
)
def evaluate(config: Config, input: Input) -> Measures:
    measures = Measures()
    # An HPA selects items by their labels and adds them up.
    for messages in input.only.series:
        seconds = messages.value / config.per_second
        measures.add_item(seconds, {"queue": messages["queue"]}, time=messages.time)
    return measures


@evaluate.plan
def plan(config: Config, context: Context) -> Plan:
    """Runs when a configuration is loaded: what is wrong is told then, with its line."""
    return Plan.unless(
        context.served_in(Api.EXTERNAL),
        context.only_instant(),
        Fault("/perSecond", "must be above 0") if config.per_second <= 0 else None,
    )
