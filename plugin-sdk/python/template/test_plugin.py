from leadsman_plugin import InputBuilder, testing

from plugin import Config, ratio

# Each file of the folder is a test of its own.
test_fixtures = testing.fixtures(ratio, "fixtures")


def test_few_requests_do_not_make_a_large_ratio() -> None:
    def vector(value: str) -> dict[str, object]:
        sample = {"metric": {"pod": "cart-0"}, "value": [1695018199.504, value]}
        return {"resultType": "vector", "result": [sample]}

    builder = InputBuilder(namespace="shop")
    input = builder.answer("errors", vector("1")).answer("requests", vector("2")).finish()
    [row] = ratio(Config(floor=10), input).rows()
    assert (row.object, row.value) == ("cart-0", 0.1)
