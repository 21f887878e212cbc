"""One value per object: a label of each series names its object."""

from dataclasses import dataclass
from typing import Annotated, Literal

from leadsman_plugin import (
    Api,
    Combine,
    Context,
    Input,
    Measures,
    ObjectSource,
    Plan,
    by_object,
    log,
    plugin,
)


@dataclass
class Config:
    """Which object each series is for."""

    object: Annotated[ObjectSource, "The label with the object's name, or a fixed object."]
    namespace: Annotated[
        str | None,
        "The label with the object's namespace, `namespace` by default; empty for objects that live "
        "in none.",
    ] = None
    combine: Annotated[Combine, "What to do when several series meet one object."] = Combine.FAIL
    unnamed: Annotated[
        Literal["fail", "omit"],
        "What to do when no series has the object's label: refuse, or have no values.",
    ] = "fail"


@plugin(
    name="per-object",
    version="0.1.0",
    about="One value per object, named by a label of the series",
)
def per_object(config: Config, input: Input) -> Measures:
    answer = input.only
    measures = Measures()
    if config.unnamed == "omit" and isinstance(config.object, str):
        if answer.series and answer.column(config.object) is None:
            log.warn(
                f'no series has the label "{config.object}" that names the object, so that no '
                "object has a value"
            )
            return measures
    for value in by_object(answer, config.object, config.namespace, config.combine):
        measures.add(value.object, value.value, time=value.time)
    return measures


@per_object.plan
def plan(config: Config, context: Context) -> Plan:
    return Plan.unless(context.served_in(Api.CUSTOM), context.only_instant())
