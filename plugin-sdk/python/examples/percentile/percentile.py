"""A percentile of a classic histogram: from its buckets, the latency that 95 % of the requests did not
exceed. As `histogram_quantile` of Prometheus."""

import math
from dataclasses import dataclass, field
from typing import Annotated, Literal

from leadsman_plugin import (
    Context,
    Failure,
    Fault,
    Input,
    Measures,
    ObjectSource,
    Plan,
    Target,
    Targets,
    log,
    plugin,
)


@dataclass
class Config:
    """Which percentile, and which object each series is for."""

    percentile: Annotated[float, "The percentile, above 0 and at most 100: 95."]
    object: Annotated[
        ObjectSource | None,
        "The label with the object's name, or a fixed object. Left out for an external metric, whose "
        "items have all other labels of the series.",
    ] = None
    namespace: Annotated[
        str | None, "The label with the object's namespace, `namespace` by default."
    ] = None
    least: Annotated[
        float, "The least that the bucket of everything must count: below it there is no value."
    ] = 0.0
    beyond: Annotated[
        Literal["bound", "omit"],
        "What there is where the percentile lies beyond the largest finite bound: that, or nothing.",
    ] = "bound"


BOUND = "le"
"""The label with the upper bound of a bucket."""


@dataclass
class Histogram:
    """Counts by bound, of so many series, and the time of the oldest sample."""

    time: int
    counts: dict[float, float] = field(default_factory=dict)
    series: dict[float, int] = field(default_factory=dict)

    def broken(self) -> str | None:
        """Why the buckets are no histogram."""
        if math.inf not in self.counts:
            return 'there is no bucket with le="+Inf"'
        if len(self.counts) == 1:
            return 'there is no bucket but le="+Inf"'
        return (
            "its series do not have the same bounds" if len(set(self.series.values())) > 1 else None
        )


@plugin(name="percentile", version="0.1.0", about="A percentile of a classic histogram")
def percentile(config: Config, input: Input) -> Measures:
    answer = input.only
    targets = Targets(answer, config.object, config.namespace, without=[BOUND])
    found: dict[Target, Histogram] = {}
    bounds = answer.column(BOUND) if answer.series else []
    if bounds is None:
        raise Failure(
            f'no series has the label "{BOUND}", which the buckets of a classic histogram have; '
            f"query NAME_bucket and keep {BOUND} in its by (…)",
            answer.query,
        )
    for series, written in zip(answer.series, bounds, strict=True):
        target = targets.of(series) if written else None
        if target is None:
            continue
        bound = parsed(written, answer.query)
        histogram = found.setdefault(target, Histogram(series.time))
        histogram.time = min(histogram.time, series.time)
        histogram.counts[bound] = histogram.counts.get(bound, 0.0) + series.value
        histogram.series[bound] = histogram.series.get(bound, 0) + 1
    measures = Measures()
    for target, histogram in found.items():
        if reason := histogram.broken():
            log.warn(f"{target.called} is left out, as its buckets are no histogram ({reason})")
            continue
        value = at(config, histogram, target)
        if value is not None:
            measures.add(target, value, time=histogram.time)
    return measures


@percentile.plan
def plan(config: Config, context: Context) -> Plan:
    share = least = None
    if not 0 < config.percentile <= 100:
        share = Fault("/percentile", "must be above 0 and at most 100")
    if not 0 <= config.least < math.inf:
        least = Fault("/least", "must be a number from 0 on")
    fits = context.object_fits(config.object is not None)
    return Plan.unless(fits, context.only_instant(), share, least)


def parsed(written: str, query: str) -> float:
    """The bound of a bucket."""
    try:
        bound = float(written)
    except ValueError:
        bound = math.nan
    if math.isnan(bound):
        raise Failure(f'the bound {BOUND}="{written}" is not a number', query)
    return bound


def at(config: Config, histogram: Histogram, target: Target) -> float | None:
    """The percentile by a straight line within its bucket; None where there is no value."""
    buckets = sorted(histogram.counts.items())
    if any(math.isnan(count) for _, count in buckets):
        return math.nan
    # Rates of buckets that were scraped one after the other may fall a little.
    so_far = -math.inf
    rising = [(bound, so_far := max(so_far, count)) for bound, count in buckets]
    if so_far <= 0 or so_far < config.least:
        return None
    rank = config.percentile / 100 * so_far
    start, below = 0.0, 0.0
    for bound, count in rising[:-1]:
        if count >= rank:
            if (bound <= 0 and start == 0.0 and below == 0.0) or count <= below:
                return bound
            return start + (bound - start) * (rank - below) / (count - below)
        start, below = bound, count
    log.info(f"the percentile of {target.called} lies beyond the largest bound, {rising[-2][0]}")
    return None if config.beyond == "omit" else rising[-2][0]
