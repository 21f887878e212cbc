"""What a plugin says before values: the queries and objects that it needs, for a mapping around it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from ._contract import records
from ._failure import Fault, Faults
from ._query import NsxAlbQuery, Query


class Api(Enum):
    """In which API a metric is served."""

    CUSTOM = "custom"
    """A value for each object."""
    EXTERNAL = "external"
    """Items with labels."""


@dataclass(frozen=True)
class ObjectColumns:
    """What is asked of the objects of the scope, for `input.objects`.

    `labels` are the keys of the labels that are needed, all others seem not to be set; None for all
    of them, which is refused where objects have too many. `addresses` asks for the addresses, too,
    which only pods have.
    """

    labels: Sequence[str] | None = ()
    addresses: bool = False


@dataclass(frozen=True)
class Plan:
    """What the plugin needs for a configuration beyond the mapping's own queries: queries that it
    brings itself, and the objects that exist."""

    queries: Sequence[Query] = ()
    objects: ObjectColumns | None = None

    @classmethod
    def unless(
        cls,
        *faults: Fault | None,
        queries: Sequence[Query] = (),
        objects: ObjectColumns | None = None,
    ) -> Plan:
        """A plan, unless there are faults, which are raised all at once. Takes what the checks of a
        `Context` give, and faults of the plugin's own."""
        found = [fault for fault in faults if fault is not None]
        if found:
            raise Faults(found)
        return cls(queries, objects)

    def _into_raw(self) -> records.Plan:
        columns = None
        if self.objects is not None:
            labels = self.objects.labels
            labels = None if labels is None else [str(label) for label in labels]
            columns = records.ObjectColumns(labels, bool(self.objects.addresses))
        return records.Plan([query._into_raw() for query in self.queries], columns)


@dataclass(frozen=True)
class OwnQuery:
    """A query that the mapping has already."""

    name: str
    """Its name."""
    is_range: bool = False
    """Whether it is a range query, whose answer is a matrix."""
    written: Any = None
    """What it asks, as the mapping has it: `{"source": …, "promql": …}`."""

    def beside(self, name: str, asked: NsxAlbQuery) -> Query:
        """A query beside it: of the same source and the same age of samples, with another name, and
        for something else."""
        written = self.written if isinstance(self.written, dict) else {}
        kept = {key: written[key] for key in ("source", "maxSampleAge") if key in written}
        return Query.written(name, {**kept, "nsxAlb": asked.keys})

    @property
    def nsx_alb(self) -> NsxAlbQuery | None:
        """What it asks of an NSX ALB controller; None if it asks something else."""
        return NsxAlbQuery.of_written(self.written)


@dataclass(frozen=True)
class Context:
    """The mapping that a configuration belongs to. Its checks give a fault, or None."""

    api: Api
    """In which API the metric is served."""
    queries: Sequence[OwnQuery] = field(default_factory=tuple)
    """The queries that the mapping has."""
    served_for: str | None = None
    """The objects that a custom metric is served for: `pods`, `ingresses.networking.k8s.io`."""

    @classmethod
    def _from_raw(cls, raw: records.Context) -> Context:
        own = [OwnQuery(one.name, one.range, _json(one.written)) for one in raw.queries]
        api = Api.CUSTOM if raw.api is records.Api.CUSTOM else Api.EXTERNAL
        return cls(api, own, raw.served_for)

    def with_written(self, query: str, written: Any) -> Context:
        """The same with what one of its queries asks, as the mapping has it. For tests."""
        own = [replace(one, written=written) if one.name == query else one for one in self.queries]
        return replace(self, queries=own)

    def only_instant(self) -> Fault | None:
        """A fault unless the mapping has exactly one query, and it is no range query."""
        if len(self.queries) == 1:
            return self.instant(self.queries[0].name)
        return Fault("", f"this plugin works on one query, and the mapping has {len(self.queries)}")

    def instant(self, name: str) -> Fault | None:
        """A fault unless the mapping has a query of this name, and it is no range query."""
        for query in self.queries:
            if query.name == name and query.is_range:
                return Fault(
                    "",
                    f'this plugin takes no range query, which "{name}" is; leave its `range` out',
                )
            if query.name == name:
                return None
        known = ", ".join(f'"{query.name}"' for query in self.queries) or "none"
        return Fault("", f'the mapping has no query "{name}"; it has {known}')

    def only_range(self) -> Fault | None:
        """A fault unless the mapping has exactly one query, and it is a range query."""
        if len(self.queries) != 1:
            return Fault(
                "",
                f"this plugin works on one range query, and the mapping has {len(self.queries)} "
                "queries",
            )
        if self.queries[0].is_range:
            return None
        return Fault(
            "",
            f'this plugin works on a range query, and "{self.queries[0].name}" is none; give it a '
            "`range` with `duration` and `step`",
        )

    def object_fits(self, is_set: bool) -> Fault | None:
        """A fault unless `object` is set exactly where the API serves objects. For plugins that can
        do either."""
        if self.api is Api.CUSTOM and not is_set:
            return Fault(
                "", 'the key "object" is missing: a custom metric has a value for each object'
            )
        if self.api is Api.EXTERNAL and is_set:
            return Fault(
                "/object", "an external metric has items with labels and no objects; leave this out"
            )
        return None

    def served_in(self, api: Api) -> Fault | None:
        """A fault unless the metric is served in this API."""
        if self.api is api:
            return None
        this, instead = {
            Api.CUSTOM: ("custom metrics, which have objects", "external"),
            Api.EXTERNAL: ("external metrics, which have none", "per-object"),
        }[api]
        return Fault("", f"this plugin makes values for {this}; use {instead}")


def _json(text: str) -> Any:
    # The host sends JSON; what it does not tell is not known.
    try:
        return json.loads(text)
    except ValueError:
        return None
