"""Series, objects, measures and plans: the same meaning and messages as in the SDK for Rust."""

import math
from datetime import timedelta
from typing import Any

import pytest

from leadsman_plugin import (
    Api,
    BuildError,
    Combine,
    Context,
    Failure,
    Fault,
    Faults,
    FixedObject,
    Input,
    InputBuilder,
    Item,
    Measures,
    NsxAlbQuery,
    ObjectColumns,
    ObjectKey,
    OwnQuery,
    Plan,
    Query,
    Targets,
    by_object,
    is_health_score,
    may_be_summed,
    parse_duration,
)

TIME = 1695018199504


def vector(*rows: tuple[dict[str, str], str], unit: str | None = None) -> dict[str, Any]:
    result = [{"metric": metric, "value": [TIME / 1000, value]} for metric, value in rows]
    return {"resultType": "vector", "result": result, "unit": unit}


def pods(*rows: tuple[str, str], namespace: str | None = "shop") -> Input:
    data = vector(*(({"pod": pod}, value) for pod, value in rows))
    return InputBuilder(namespace=namespace).answer("q", data).finish()


def test_series_are_read_by_label_and_by_column() -> None:
    data = vector(({"pod": "käfig", "code": "500"}, "6"), ({"pod": "b"}, "NaN"), unit="count")
    answer = InputBuilder().answer("q", {"data": data}).finish()["q"]
    first, second = answer.series
    assert (first["pod"], first.get("code"), second.get("code")) == ("käfig", "500", None)
    assert ("code" in first, "code" in second) == (True, False)
    assert (first.value, first.time, math.isnan(second.value)) == (6.0, TIME, True)
    assert first.labels == {"pod": "käfig", "code": "500"}
    assert answer.column("code") == ["500", ""]
    assert answer.column("absent") is None
    assert (answer.times, answer.unit, len(answer.series)) == ([TIME, TIME], "count", 2)
    assert answer.series[-1].labels == {"pod": "b"}
    message = (
        'query "q": a series has no label "node" (it has pod, code); keep the label in the '
        "query's by (…)"
    )
    with pytest.raises(Failure) as raised:
        first["node"]
    assert str(raised.value) == message


def test_the_wrong_answer_is_a_failure_that_names_both() -> None:
    input = InputBuilder().answer("s", {"resultType": "scalar", "result": [1.5, "+Inf"]}).finish()
    assert input.only.scalar == (1500, math.inf)
    told = 'query "s": expected an instant vector, and the answer is a scalar'
    with pytest.raises(Failure, match=told):
        input.only.series
    with pytest.raises(Failure, match='no query named "x"; it has "s"'):
        input["x"]
    text = InputBuilder().answer("t", {"resultType": "string", "result": [1, "x"]}).finish()
    assert text["t"].text == "x"


def test_ranges_have_their_samples() -> None:
    rows = [
        {"metric": {"pod": "a"}, "values": [[1, "1"], [2, "2"]]},
        {"metric": {"pod": "b"}, "values": [[1, "3"]]},
    ]
    answer = InputBuilder().answer("q", {"resultType": "matrix", "result": rows}).finish().only
    a, b = answer.ranges
    assert (a["pod"], a.samples, b.values) == ("a", [(1000, 1.0), (2000, 2.0)], [3.0])


def test_objects_have_addresses_and_labels() -> None:
    builder = InputBuilder().object("a", namespace="shop", labels={"app": "x"}, address="10.0.0.1")
    a, node = builder.object("node").finish().objects
    assert (a.name, a.namespace, a.get("app"), a.address) == ("a", "shop", "x", "10.0.0.1")
    assert (node.namespace, node.get("app"), node.address) == (None, None, None)
    assert InputBuilder().finish().objects == []


@pytest.mark.parametrize(
    ("combine", "value"),
    [
        (Combine.SUM, 6.0),
        (Combine.MAX, 3.0),
        (Combine.MIN, 1.0),
        (Combine.AVERAGE, 2.0),
        (Combine.FIRST, 2.0),
    ],
)
def test_series_that_meet_are_combined(combine: Combine, value: float) -> None:
    rows = [({"pod": "a", "shard": shard}, v) for shard, v in (("b", "1"), ("a", "2"), ("c", "3"))]
    input = InputBuilder(namespace="shop").answer("q", vector(*rows)).finish()
    [found] = by_object(input.only, "pod", None, combine)
    assert (found.object, found.value, found.time) == (ObjectKey("a"), value, TIME)


def test_several_series_are_refused_or_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    input = pods(("a", "1"), ("a", "2"), ("b", "5"), ("b", "5"))
    message = (
        'several series are for the object "a"; aggregate them in the query, or set `combine` to '
        "sum, max, min, average, first or omit"
    )
    with pytest.raises(Failure) as raised:
        by_object(input.only, "pod")
    assert raised.value.message == message
    [b] = by_object(input.only, "pod", None, Combine.OMIT)
    assert (b.object.name, b.value) == ("b", 5.0)
    assert 'Warn: several series are for the object "a" and do not' in capsys.readouterr().err
    [a] = by_object(pods(("a", "1"), ("a", "NaN"), ("a", "3")).only, "pod", None, Combine.MAX)
    assert math.isnan(a.value)


def test_a_label_that_no_series_has_is_a_failure() -> None:
    message = (
        'no series has the label "node" that names the object (labels of the first series: pod); '
        "keep it in the query's by (…), or set `object` to another label"
    )
    for look in (lambda a: by_object(a, "node"), lambda a: Targets(a, "node")):
        with pytest.raises(Failure) as raised:
            look(pods(("a", "1")).only)
        assert raised.value.message == message
    assert by_object(pods().only, "node") == []


def test_namespaces_and_fixed_objects() -> None:
    rows = [({"pod": "a", "namespace": "shop"}, "1"), ({"pod": "a", "namespace": "x"}, "2")]
    cluster = InputBuilder().answer("q", vector(*rows, ({"node": "n"}, "3"))).finish().only
    keys = [value.object for value in by_object(cluster, "pod")]
    assert keys == [ObjectKey("a", "shop"), ObjectKey("a", "x")]
    shop = InputBuilder(namespace="shop").answer("q", vector(*rows)).finish().only
    assert [value.value for value in by_object(shop, "pod", "namespace")] == [1.0]
    fixed = FixedObject("web", "shop")
    [all_of_them] = by_object(cluster, fixed, None, Combine.SUM)
    assert (all_of_them.object, all_of_them.value) == (ObjectKey("web", "shop"), 6.0)
    names = [value.object.namespace for value in by_object(cluster, FixedObject("web"))]
    assert names == ["shop", "x", None]


def test_targets_are_items_without_an_object() -> None:
    rows = [({"__name__": "x", "le": "1", "q": 'a"b', "a": "1"}, "1")]
    answer = InputBuilder().answer("q", vector(*rows)).finish().only
    target = Targets(answer, None, without=["le"]).of(answer.series[0])
    assert target == Item((("a", "1"), ("q", 'a"b')))
    assert target.called == 'the item {a="1", q="a\\"b"}'
    measures = Measures()
    measures.add(target, 2)
    [row] = measures.rows()
    assert (row.object, row.value, row.labels) == ("", 2.0, {"a": "1", "q": 'a"b'})


def test_measures_pass_names_on_by_number() -> None:
    input = pods(("a", "1"), ("b", "2"))
    measures = Measures()
    for series in input.only.series:
        measures.add(series["pod"], series.value, time=series.time)
    raw = measures._into_raw(input)
    assert (raw.dictionary.ends, len(raw.objects), raw.namespaces, raw.windows) == ([], 2, [], [])
    measures.add("c", 3, namespace="shop", window=timedelta(seconds=90))
    raw = measures._into_raw(input)
    assert raw.dictionary.bytes == b"cshop"
    assert raw.times == [TIME, TIME, input.now]
    assert raw.windows == [0, 0, 90]
    assert raw.namespaces[:2] == [0, 0]


def test_labels_of_items_are_columns() -> None:
    measures = Measures()
    measures.add_item(1, {"a": "x"})
    measures.add_item(2)
    measures.add_item(3, {"b": "y", "a": "z"})
    raw = measures._into_raw(InputBuilder().finish())
    texts = ["", "a", "b", "x", "y", "z"]
    assert [texts[number] for number in raw.labels.names] == ["a", "b"]
    assert [texts[number] for number in raw.labels.cells] == ["x", "", "z", "", "", "y"]
    assert (raw.objects, raw.times) == ([], [])


def test_wrong_types_are_told_where_they_are_given() -> None:
    measures = Measures()
    for wrong in ("1", None, True, 1j):
        with pytest.raises(TypeError, match="the value of a measure is a .*, not a number"):
            measures.add("a", wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
        measures.add("a", 1, time=1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="out of range; it is in milliseconds"):
        measures.add("a", 1, time=2**63)
    with pytest.raises(ValueError, match="window of a measure is -1"):
        measures.add("a", 1, window=-1)
    with pytest.raises(TypeError, match="the label 'a' of an item is a int"):
        measures.add_item(1, {"a": 1})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match="the object of a measure is a NoneType"):
        measures.add(None, 1)  # type: ignore[arg-type]
    assert len(measures) == 0
    measures.add("a", 10**400)
    assert measures.rows()[0].value == math.inf


def test_a_context_gives_faults() -> None:
    one = Context(Api.CUSTOM, [OwnQuery("q")], "pods")
    assert (one.only_instant(), one.object_fits(True), one.served_in(Api.CUSTOM)) == (None,) * 3
    none = Context(Api.EXTERNAL)
    many = "this plugin works on one query, and the mapping has 0"
    assert none.only_instant() == Fault("", many)
    assert none.instant("q") == Fault("", 'the mapping has no query "q"; it has none')
    assert none.object_fits(True) == Fault(
        "/object", "an external metric has items with labels and no objects; leave this out"
    )
    refused = one.served_in(Api.EXTERNAL)
    assert refused is not None and "external metrics, which have none" in refused.message
    ranged = Context(Api.CUSTOM, [OwnQuery("q", is_range=True)])
    assert ranged.only_range() is None
    instant = ranged.only_instant()
    assert instant is not None and "takes no range query" in instant.message
    with pytest.raises(Faults) as raised:
        Plan.unless(none.only_range(), None, Fault("/a", "is wrong"))
    assert [fault.path for fault in raised.value.faults] == ["", "/a"]


def test_queries_of_any_kind_have_the_keys_of_a_mapping() -> None:
    minute = timedelta(minutes=1)
    ranged = Query.range("busy", "up", 5 * minute, minute)
    assert ranged.keys == {"promql": "up", "range": {"duration": "300s", "step": "60s"}}
    alb = NsxAlbQuery.of_ako("pool", "k8s", "l4_server.avg_open_conns").with_servers()
    query = Query.nsx_alb("conns", alb).from_source("lb").max_sample_age(20 * minute)
    assert query.keys == {"source": "lb", "maxSampleAge": "1200000ms", "nsxAlb": alb.keys}
    own = OwnQuery("conns", written={"source": "lb", "maxSampleAge": "20m", "nsxAlb": alb.keys})
    assert own.nsx_alb == alb
    beside = own.beside("health", alb.with_metric("healthscore.x"))
    assert beside.keys == {
        "source": "lb",
        "maxSampleAge": "20m",
        "nsxAlb": {**alb.keys, "metric": "healthscore.x"},
    }
    assert OwnQuery("q", written={"promql": "up"}).nsx_alb is None
    raw = Plan([ranged, query], ObjectColumns(["app"], True))._into_raw()
    assert (raw.queries[0].asked.value.range.step, raw.objects.labels) == (60, ["app"])
    assert ObjectColumns(None) != ObjectColumns()


def test_durations() -> None:
    for text, seconds in (("30s", 30), ("1m30s", 90), ("2h", 7200), ("1w1d", 691_200)):
        assert parse_duration(text) == timedelta(seconds=seconds)
    for bad in ("", "5", "s", "5 s", "-5s", "1.5s", "5y", "9" * 20 + "s", "٣s"):
        with pytest.raises(ValueError, match="is not a duration such as 30s"):
            parse_duration(bad)


def test_what_may_be_summed() -> None:
    assert may_be_summed("l4_server.avg_open_conns")
    assert may_be_summed("l4_server.avg_bandwidth")
    assert not may_be_summed("l7_server.avg_resp_latency")
    assert not may_be_summed("healthscore.health_score_value")
    assert is_health_score("healthscore.health_score_value")


def test_broken_answers_are_told() -> None:
    for wrong, told in (
        ({"resultType": "table", "result": []}, 'unknown resultType "table"'),
        (vector(({}, "six")), 'the sample value "six" is not a number'),
        ({"resultType": "vector"}, "is no answer of Prometheus"),
        ("{", "Expecting property name"),
    ):
        with pytest.raises(BuildError, match=told):
            InputBuilder().answer("q", wrong)
