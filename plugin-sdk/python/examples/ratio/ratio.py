"""A ratio of two queries: busy to total, errors to requests."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from leadsman_plugin import (
    Answer,
    Combine,
    Context,
    Fault,
    Input,
    Item,
    Measures,
    ObjectKey,
    ObjectSource,
    Plan,
    Sample,
    Targets,
    by_object,
    plugin,
)


@dataclass
class Config:
    """Which queries are divided, and how their series meet."""

    numerator: Annotated[str, "The name of the query above the line."] = "numerator"
    denominator: Annotated[
        str, "The name of the query below the line. A scalar divides every series."
    ] = "denominator"
    object: Annotated[
        ObjectSource | None,
        "The label with the object's name, or a fixed object. Left out for an external metric, whose "
        "series meet on equal labels.",
    ] = None
    namespace: Annotated[
        str | None,
        "The label with the object's namespace, `namespace` by default. Read only when one "
        "evaluation serves all namespaces.",
    ] = None
    floor: Annotated[
        float | None, "The least that is divided by: a smaller denominator counts as this."
    ] = None
    combine: Annotated[Combine, "What to do when several series of one query meet one object."] = (
        Combine.FAIL
    )
    without_numerator: Annotated[
        Literal["omit", "zero"],
        "What stands above the line where only the denominator has a series: no value, or 0.",
    ] = "omit"


@plugin(
    name="ratio",
    version="0.1.0",
    about="One query divided by another, per object or as an external metric",
)
def ratio(config: Config, input: Input) -> Measures:
    above, below = input[config.numerator], input[config.denominator]
    parts = dict(samples(config, above))
    measures = Measures()
    if below.is_scalar:
        pairs = [(target, part, below.scalar) for target, part in parts.items()]
    else:
        pairs = [
            (target, part, total)
            for target, total in samples(config, below)
            if (part := parts.get(target) or without(config, total)) is not None
        ]
    for target, part, total in pairs:
        divisor = total.value
        if config.floor is not None and divisor < config.floor:
            divisor = config.floor
        if divisor != 0:
            measures.add(target, part.value / divisor, time=min(part.time, total.time))
    return measures


@ratio.plan
def plan(config: Config, context: Context) -> Plan:
    floor = same = None
    if config.floor is not None and not 0 < config.floor < float("inf"):
        floor = Fault("/floor", "must be a number above 0")
    if config.numerator == config.denominator:
        same = Fault("/denominator", "is the same query as the numerator")
    return Plan.unless(
        context.object_fits(config.object is not None),
        context.instant(config.numerator),
        context.instant(config.denominator),
        floor,
        same,
    )


def samples(config: Config, answer: Answer) -> Iterator[tuple[ObjectKey | Item, Sample]]:
    """The samples of an answer by their object or item."""
    if config.object is not None:
        for value in by_object(answer, config.object, config.namespace, config.combine):
            yield value.object, Sample(value.time, value.value)
    elif answer.is_scalar:
        yield Item(()), answer.scalar
    else:
        targets = Targets(answer, None)
        for series in answer.series:
            if (target := targets.of(series)) is not None:
                yield target, series.sample


def without(config: Config, total: Sample) -> Sample | None:
    """What stands above the line where there is no numerator."""
    return Sample(total.time, 0.0) if config.without_numerator == "zero" else None
