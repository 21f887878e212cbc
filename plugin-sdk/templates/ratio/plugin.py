"""{{About}}."""

from dataclasses import dataclass
from typing import Annotated

from leadsman_plugin import Api, Context, Fault, Input, Measures, Plan, by_object, plugin


@dataclass
class Config:
    """What a mapping has under `config`. Its types make the schema that mappings are checked against."""

    floor: Annotated[float, "The least that is divided by: fewer requests count as this."] = 1.0


@plugin(
    name="{{name}}",
    version="0.1.0",
    about="{{About}}",
)
def evaluate(config: Config, input: Input) -> Measures:
    errors = {value.object: value for value in by_object(input["errors"], "pod")}
    measures = Measures()
    for requests in by_object(input["requests"], "pod"):
        # What is missing is not zero: a pod without a series of errors has no value.
        failed = errors.get(requests.object)
        if failed is not None:
            total = max(requests.value, config.floor)
            time = min(failed.time, requests.time)
            measures.add(requests.object, failed.value / total, time=time)
    return measures


@evaluate.plan
def plan(config: Config, context: Context) -> Plan:
    """Runs when a configuration is loaded: what is wrong is told then, with its line."""
    return Plan.unless(
        context.served_in(Api.CUSTOM),
        context.instant("errors"),
        context.instant("requests"),
        Fault("/floor", "must be above 0") if config.floor <= 0 else None,
    )
