"""External metrics: each series is an item, with its labels."""

import math
from dataclasses import dataclass
from typing import Annotated

from leadsman_plugin import (
    Api,
    Combine,
    Context,
    Failure,
    Input,
    Measures,
    Plan,
    Series,
    plugin,
)

Labels = tuple[tuple[str, str], ...]


@dataclass
class Config:
    """Which labels the items carry."""

    labels: Annotated[
        list[str] | None,
        "The labels to keep; all but the metric's name if left out. Selectors of an HPA pick items "
        "by these.",
    ] = None
    series_name: Annotated[bool, "Keep the name of the series among all labels, as `__name__`."] = (
        False
    )
    combine: Annotated[
        Combine, "What to do when several series have the same values of these labels."
    ] = Combine.FAIL


@plugin(
    name="external",
    version="0.1.0",
    about="Each series an item of an external metric, with its labels",
)
def external(config: Config, input: Input) -> Measures:
    answer = input.only
    measures = Measures()
    if answer.is_scalar:
        measures.add_item(answer.scalar.value, time=answer.scalar.time)
        return measures
    items: dict[Labels, list[Series]] = {}
    for series in answer.series:
        items.setdefault(kept(config, series), []).append(series)
    for labels, met in items.items():
        value = combined(config.combine, [series.value for series in met], labels, answer.query)
        if value is not None:
            oldest = min(series.time for series in met)
            measures.add_item(value, dict(labels), time=oldest)
    return measures


@external.plan
def plan(config: Config, context: Context) -> Plan:
    return Plan.unless(context.served_in(Api.EXTERNAL), context.only_instant())


def kept(config: Config, series: Series) -> Labels:
    """The labels that an item keeps of a series, in the order of their names."""
    if config.labels is not None:
        wanted = config.labels
        return tuple(sorted(pair for pair in series.labels.items() if pair[0] in wanted))
    dropped = () if config.series_name else ("__name__",)
    return tuple(sorted(pair for pair in series.labels.items() if pair[0] not in dropped))


def combined(combine: Combine, values: list[float], labels: Labels, query: str) -> float | None:
    """One value of those of several series."""
    if len(values) == 1:
        return values[0]
    if combine is Combine.FAIL:
        shown = ", ".join(f'{name}="{value}"' for name, value in labels)
        called = f"the labels {{{shown}}}" if labels else "no labels"
        raise Failure(
            f"{len(values)} series have {called}; keep more `labels`, aggregate in the query, or set "
            "`combine` to sum, max, min, average or omit",
            query,
        )
    if combine is Combine.OMIT:
        return values[0] if len(set(values)) == 1 else None
    # A NaN is kept, so that the adapter refuses it with its reason.
    if any(math.isnan(value) for value in values):
        return math.nan
    if combine is Combine.SUM:
        return sum(values)
    if combine is Combine.AVERAGE:
        return sum(values) / len(values)
    # They have the same labels, so that one is as good as another: the smaller one, always.
    return max(values) if combine is Combine.MAX else min(values)
