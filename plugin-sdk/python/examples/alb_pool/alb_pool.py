"""Values of the pools of an NSX ALB controller: for an object, or of each server for the pod with its
address; weighed by the health of pools, whose scores a query of the plugin's own brings."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from leadsman_plugin import (
    Answer,
    Api,
    Combine,
    Context,
    Failure,
    Fault,
    Input,
    Measures,
    NsxAlbQuery,
    Object,
    ObjectColumns,
    ObjectFinder,
    ObjectKey,
    ObjectSource,
    Plan,
    Sample,
    Series,
    combined,
    log,
    may_be_summed,
    plugin,
)

HEALTH = "health"
"""The query that brings the scores."""
WELL = 100.0
"""The score of what is well in every respect."""


@dataclass
class Health:
    """What the health of pools or servers makes of their values."""

    of: Annotated[Literal["pools", "servers"], "Whose scores count."] = "pools"
    weigh: Annotated[
        Literal["divide", "multiply", "none"],
        "What a score does to a value. With `divide` the load of what is half well counts twice; with "
        "`multiply` half of it counts; with `none` only what is down is left out.",
    ] = "divide"
    down_at: Annotated[float, "What has this score or a lower one is down."] = 0.0
    least: Annotated[float, "What is divided by at least, as a score."] = 25.0


@dataclass
class Config:
    """For which objects values are, and what is made of them."""

    object: Annotated[
        ObjectSource | None, "The object of all values, or the label that names it."
    ] = None
    servers: Annotated[
        Literal["pods"] | None,
        "In place of `object`: whose the value of each server of a pool is.",
    ] = None
    namespace: Annotated[str | None, "The label with the object's namespace."] = None
    combine: Annotated[
        Combine | None,
        "What to do when several values meet one object. Left out, they are added.",
    ] = None
    health: Annotated[Health | None, "What the health of pools makes of their values."] = None
    unit: Annotated[str | None, "What the controller must count the values in."] = None


@plugin(
    name="alb-pool",
    version="0.1.0",
    about="Values of the pools of an NSX ALB controller, for objects or pods",
)
def alb_pool(config: Config, input: Input) -> Measures:
    own = [answer for answer in input.answers if not (config.health and answer.query == HEALTH)]
    if not own:
        raise Failure("the mapping has no query to an NSX ALB controller")
    answer = own[0]
    check_unit(config, answer)
    scores = Scores(config.health, input[HEALTH], answer) if config.health else None
    find = finder(config, input, answer)
    combine = config.combine or Combine.SUM

    def weighed(series: Series) -> tuple[ObjectKey, Sample] | None:
        object, sample = find(series), scores.weighed(series) if scores else series.sample
        return (object, sample) if object and sample else None

    values = combined(answer, combine, weighed)
    if scores and combine is Combine.AVERAGE and scores.health.weigh == "multiply":
        # The mean by weight is the mean of what is weighed over that of the weights. Both are made of
        # the same series, so the objects come in the same order.
        def weight(series: Series) -> tuple[ObjectKey, Sample] | None:
            object, score = find(series), scores.score_if_up(series)
            return (object, Sample(score.time, score.value / WELL)) if object and score else None

        for value, mean in zip(values, combined(answer, combine, weight), strict=True):
            value.value /= mean.value
    measures = Measures()
    for value in values:
        measures.add(value.object, value.value, time=value.time)
    return measures


@alb_pool.plan
def plan(config: Config, context: Context) -> Plan:
    only = context.only_instant()
    own = context.queries[0] if len(context.queries) == 1 else None
    asked = own.nsx_alb if own else None
    other_kind = None
    if only is None and asked is None:
        other_kind = Fault(
            "", "this plugin takes a query to an NSX ALB controller (`nsxAlb`); use per-object"
        )
    faults = [context.served_in(Api.CUSTOM), only, other_kind, one_of_object_and_servers(config)]
    if asked:
        faults += [
            added_up(config, asked),
            without_servers(config, asked, context),
            scores_of_servers(config, asked),
        ]
    faults.append(out_of_range(config.health))
    queries = []
    if config.health and own and asked:
        if config.health.of == "pools" and asked.has_servers:
            asked = asked.with_key("servers", False)
        asked = asked.with_metric("healthscore.health_score_value")
        queries = [own.beside(HEALTH, asked)]
    objects = ObjectColumns(addresses=True) if config.servers else None
    return Plan.unless(*faults, queries=queries, objects=objects)


def one_of_object_and_servers(config: Config) -> Fault | None:
    if config.object is None and config.servers is None:
        return Fault("", 'the key "object" is missing, or "servers" for pods')
    if config.object is not None and config.servers is not None:
        return Fault("/servers", "only one of object and servers may stand here")
    return None


def added_up(config: Config, asked: NsxAlbQuery) -> Fault | None:
    if config.combine is not None or may_be_summed(asked.metric):
        return None
    return Fault(
        "/combine",
        f"{asked.metric} must not be added up, which is done where nothing else is said; set "
        "`combine` to average or max",
    )


def without_servers(config: Config, asked: NsxAlbQuery, context: Context) -> Fault | None:
    if config.servers is None:
        return None
    if context.served_for != "pods":
        return Fault("/servers", "are pods, and the metric is served for none")
    if not asked.has_servers:
        return Fault("/servers", "needs `servers: true` in the mapping's query")
    return None


def scores_of_servers(config: Config, asked: NsxAlbQuery) -> Fault | None:
    if config.health is None or config.health.of != "servers" or asked.has_servers:
        return None
    return Fault("/health/of", "needs `servers: true` in the mapping's query")


def out_of_range(health: Health | None) -> Fault | None:
    if health and not 0 <= health.down_at < WELL:
        return Fault("/health/downAt", "must be at least 0 and less than 100")
    if health and not 0 < health.least <= WELL:
        return Fault("/health/least", "must be more than 0 and at most 100")
    return None


def check_unit(config: Config, answer: Answer) -> None:
    if config.unit is None or answer.unit == config.unit or not answer.series:
        return
    found = answer.unit or "something that it does not say"
    raise Failure(
        f"the controller counts in {found}, and the configuration's `unit` is {config.unit}",
        answer.query,
    )


def finder(config: Config, input: Input, answer: Answer) -> Callable[[Series], ObjectKey | None]:
    """Finds the object of a series: by its labels, or the pod by the address of the server."""
    if config.object is not None:
        return ObjectFinder(answer, config.object, config.namespace).object
    pods: dict[str, Object | None] = {}
    for pod in input.objects:
        if pod.address is not None:
            # Of several pods of one address, as in the network of a node, none is meant for sure.
            pods[pod.address] = None if pod.address in pods else pod
    if input.objects and not pods:
        raise Failure(
            "the adapter does not know the address of any pod, so that no server can be found among "
            "them"
        )

    def find(series: Series) -> ObjectKey | None:
        pod = pods.get(series.get("address") or "")
        if pod is None or series.get("namespace") not in (None, pod.namespace):
            return None
        return ObjectKey(pod.name, pod.namespace)

    if pods and answer.series and not any(map(find, answer.series)):
        server = answer.series[0].get("server")
        first = f" (the first is {server})" if server else ""
        raise Failure(
            f"no server of the pools has the address of a pod{first}; AKO makes pods the servers only "
            "with its service type ClusterIP, and nodes with the others",
            answer.query,
        )
    return find


class Scores:
    """Scores of health, from 0 to 100: what is down is left out, and the rest is weighed."""

    def __init__(self, health: Health, scores: Answer, values: Answer) -> None:
        self.health = health
        found: dict[tuple[str, str | None], list[Sample]] = {}
        self._servers = health.of == "servers" and scores.column("server") is not None
        for series in scores.series:
            key = self._key(series)
            if key and abs(series.value) != float("inf") and series.value == series.value:
                score = min(max(series.value, 0.0), WELL)
                found.setdefault(key, []).append(Sample(series.time, score))
        # Where a pool has no score of its own, its servers have some.
        self._known = {
            key: Sample(min(one.time for one in of), sum(one.value for one in of) / len(of))
            for key, of in found.items()
        }
        self._servers = health.of == "servers" and values.column("server") is not None
        self._tell(values)

    def _key(self, series: Series) -> tuple[str, str | None] | None:
        pool = series.get("uuid")
        return (pool, series.get("server") if self._servers else None) if pool else None

    def _tell(self, values: Answer) -> None:
        unknown = sum(self.score(series) is None for series in values.series)
        if unknown and unknown == len(values.series):
            raise Failure(
                "no pool or server that has a value has a score of health, so that no value can be "
                "weighed; does the controller have scores for them?",
                HEALTH,
            )
        if unknown:
            log.warn(
                f"{unknown} of {len(values.series)} values have no score of health, and are left out"
            )

    def score(self, series: Series) -> Sample | None:
        key = self._key(series)
        return self._known.get(key) if key else None

    def score_if_up(self, series: Series) -> Sample | None:
        score = self.score(series)
        return score if score and score.value > self.health.down_at else None

    def weighed(self, series: Series) -> Sample | None:
        """What a series counts; None if it is down, or how well it is is not known."""
        score = self.score_if_up(series)
        if score is None:
            return None
        factor = {
            "divide": WELL / max(score.value, self.health.least),
            "multiply": score.value / WELL,
            "none": 1.0,
        }[self.health.weigh]
        return Sample(min(series.time, score.time), series.value * factor)
