"""Queries that a plugin brings itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from ._contract import records

_MAX_SECONDS = 2**32 - 1


@dataclass(frozen=True)
class NsxAlbQuery:
    """What is asked of an NSX ALB controller: a metric of one object, or of all that AKO made for a
    cluster. `keys` are those of `nsxAlb` in a mapping's query."""

    keys: dict[str, Any]

    @classmethod
    def of_ako(cls, entity: str, cluster: str, metric: str) -> NsxAlbQuery:
        """A metric of the pools or virtual services that AKO made for a cluster."""
        return cls({"entity": entity, "ako": cluster, "metric": metric})

    @classmethod
    def named(cls, entity: str, name: str, metric: str) -> NsxAlbQuery:
        """A metric of the object with this name."""
        return cls({"entity": entity, "name": name, "metric": metric})

    @classmethod
    def by_uuid(cls, entity: str, uuid: str, metric: str) -> NsxAlbQuery:
        """A metric of the object with this uuid."""
        return cls({"entity": entity, "uuid": uuid, "metric": metric})

    @classmethod
    def of_written(cls, written: Any) -> NsxAlbQuery | None:
        """What a query of a mapping asks, if it is one to a controller."""
        keys = written.get("nsxAlb") if isinstance(written, Mapping) else None
        return cls(dict(keys)) if isinstance(keys, Mapping) else None

    def with_metric(self, metric: str) -> NsxAlbQuery:
        """The same objects with another metric."""
        return self.with_key("metric", metric)

    def with_servers(self) -> NsxAlbQuery:
        """With a series for each server of a pool, which has the labels `server` and `address`."""
        return self.with_key("servers", True)

    def in_namespace(self, namespace: str) -> NsxAlbQuery:
        """Only objects that AKO made for this namespace. `${namespace}` gives each namespace an
        evaluation of its own."""
        return self.with_key("namespace", namespace)

    def with_key(self, key: str, value: Any) -> NsxAlbQuery:
        """With any other key of `nsxAlb`."""
        return NsxAlbQuery({**self.keys, key: value})

    @property
    def metric(self) -> str:
        """The id of the metric, such as `l4_server.avg_open_conns`."""
        metric = self.keys.get("metric")
        return metric if isinstance(metric, str) else ""

    @property
    def has_servers(self) -> bool:
        """Whether each server of a pool has a series."""
        return self.keys.get("servers") is True


@dataclass(frozen=True)
class Query:
    """A query that a plugin brings itself. Make one with a method of the class."""

    name: str
    """Its name."""
    _promql: str | None = None
    _range: tuple[int, int] | None = None
    _written: dict[str, Any] | None = None

    @classmethod
    def instant(cls, name: str, promql: str) -> Query:
        """An instant query in PromQL. `${namespace}` and `${selector}` are replaced in it as they are
        in a mapping's own queries."""
        return cls(name, promql)

    @classmethod
    def range(cls, name: str, promql: str, duration: timedelta, step: timedelta) -> Query:
        """A range query over the last `duration`, one sample each `step`. Both are rounded down to
        seconds."""
        return cls(name, promql, (_seconds(duration), _seconds(step)))

    @classmethod
    def nsx_alb(cls, name: str, query: NsxAlbQuery) -> Query:
        """A query to an NSX ALB controller."""
        return cls.written(name, {"nsxAlb": query.keys})

    @classmethod
    def written(cls, name: str, keys: Mapping[str, Any]) -> Query:
        """A query to any kind of source, with the keys that a query of a mapping has:
        `{"nsxAlb": {"entity": "pool", …}, "maxSampleAge": "20m"}`. It is checked as one of a mapping
        is. Without `source` it goes where the mapping's `source` says."""
        return cls(name, _written=dict(keys))

    def from_source(self, source: str) -> Query:
        """The same to a source of this name, in place of the mapping's `source`. Has no effect on
        PromQL that is not `written`."""
        return self._with_key("source", source)

    def max_sample_age(self, age: timedelta) -> Query:
        """The same with samples of at most this age. Has no effect on PromQL that is not
        `written`."""
        return self._with_key("maxSampleAge", f"{age // timedelta(milliseconds=1)}ms")

    def _with_key(self, key: str, value: Any) -> Query:
        if self._written is None:
            return self
        return replace(self, _written={**self._written, key: value})

    @property
    def keys(self) -> dict[str, Any]:
        """What it asks, with the keys of a query of a mapping."""
        if self._written is not None:
            return dict(self._written)
        if self._range is None:
            return {"promql": self._promql}
        duration, step = self._range
        return {"promql": self._promql, "range": {"duration": f"{duration}s", "step": f"{step}s"}}

    def _into_raw(self) -> records.Query:
        if self._written is not None:
            return records.Query(self.name, records.Asked_Written(json.dumps(self._written)))
        span = None if self._range is None else records.Range(*self._range)
        return records.Query(
            self.name, records.Asked_Promql(records.Promql(self._promql or "", span))
        )


def _seconds(time: timedelta) -> int:
    seconds = time // timedelta(seconds=1)
    if not 0 <= seconds <= _MAX_SECONDS:
        raise ValueError(f"a range query over {time} cannot be had")
    return seconds
