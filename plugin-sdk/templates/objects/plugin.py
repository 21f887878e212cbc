"""{{About}}."""

from dataclasses import dataclass
from typing import Annotated

from leadsman_plugin import Api, Context, Input, Measures, Object, ObjectColumns, Plan, plugin


@dataclass
class Config:
    """What a mapping has under `config`. Its types make the schema that mappings are checked against."""

    label: Annotated[str, "The label that series and pods have in common."] = "app"


@plugin(
    name="{{name}}",
    version="0.1.0",
    about="{{About}}",
)
def evaluate(config: Config, input: Input) -> Measures:
    pods: dict[str | None, list[Object]] = {}
    for pod in input.objects:
        pods.setdefault(pod.get(config.label), []).append(pod)
    measures = Measures()
    for backlog in input.only.series:
        of_app = pods.get(backlog[config.label], [])
        for pod in of_app:
            measures.add(pod, backlog.value / len(of_app), time=backlog.time)
    return measures


@evaluate.plan
def plan(config: Config, context: Context) -> Plan:
    """Runs when a configuration is loaded: what is wrong is told then, with its line. It asks for the
    pods that exist, with the one label that is needed."""
    return Plan.unless(
        context.served_in(Api.CUSTOM),
        context.only_instant(),
        objects=ObjectColumns(labels=[config.label]),
    )
