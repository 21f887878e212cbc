"""What may be made of the metrics of an NSX ALB controller, as the adapter has it."""

from __future__ import annotations

_STARTS = ("pct_", "apdex", "max_", "min_", "health_score", "avg_health", "avg_server_count")
_WITHIN = ("_pool_", "latency", "response_time", "rtt", "_pct", "apdex", "health_score")


def may_be_summed(metric: str) -> bool:
    """Whether values of a metric may be added, over servers or over pools: connections, rates and
    bytes may; averages, latencies, percentages, maxima and scores give a number that means nothing."""
    family, dot, name = metric.partition(".")
    if not dot:
        family, name = "", metric
    return (
        family != "apdex"
        and not is_health_score(metric)
        and not name.startswith(_STARTS)
        and not any(part in name for part in _WITHIN)
    )


def is_health_score(metric: str) -> bool:
    """Whether a metric is a score of health, which weighs other values and is no load itself."""
    return metric.split(".")[0] in ("healthscore", "health_score")
