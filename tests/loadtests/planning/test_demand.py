"""What may be asked of a plan, and what one line says of the rest."""

import pytest

from loadtests.measure.slo import Slo
from loadtests.planning.cost import InstanceType, parse_instances
from loadtests.planning.demand import check_cost, make_demand
from serving.errors import UsageError


def test_a_demand_in_full() -> None:
    demand = make_demand(
        rps=200_000, slo="p99=25ms,errors=0.1%", peak_factor=2, availability="N+2", headroom="30%"
    )
    assert demand.peak_rps == 400_000
    assert demand.slo == Slo(0.99, 25_000)
    assert (demand.spares, demand.headroom) == (2, 0.3)
    assert make_demand(rps=1, availability="N", headroom="0.25").headroom == 0.25
    assert make_demand(rps=1, availability="n").spares == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"rps": 0.0}, "--rps 0"),
        ({"rps": -5.0}, "--rps -5"),
        ({"rps": float("nan")}, "--rps nan"),
        ({"rps": float("inf")}, "--rps inf"),
        ({"rps": 1.0, "peak_factor": 0.5}, "--peak-factor 0.5"),
        ({"rps": 1.0, "availability": "N-1"}, "--availability"),
        ({"rps": 1.0, "availability": "two"}, "--availability"),
        ({"rps": 1.0, "headroom": "100%"}, "--headroom"),
        ({"rps": 1.0, "headroom": "-10%"}, "--headroom"),
        ({"rps": 1.0, "slo": "fast"}, 'the SLO "fast"'),
        ({"rps": 1.0, "slo": ""}, "the SLO"),
    ],
)
def test_what_makes_no_demand(options: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError, match=told) as error:
        make_demand(**options)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)


def test_what_is_no_cost() -> None:
    assert check_cost("--cost-per-core-hour", 0.05) == 0.05
    for cost in (0.0, -1.0, float("nan")):
        with pytest.raises(UsageError, match="--cost-per-core-hour"):
            check_cost("--cost-per-core-hour", cost)


def test_instance_types_in_any_order_of_columns() -> None:
    text = "cost_per_hour, name,cores\n0.68,c5.4xlarge,16\n\n1.36, c5.9xlarge ,36\n"
    assert parse_instances(text, "types.csv") == (
        InstanceType("c5.4xlarge", 16, 0.68),
        InstanceType("c5.9xlarge", 36, 1.36),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name,cores,cost_per_hour,gpu\na,1,1,0\n", "unknown or repeated column 'gpu'"),
        ("name,cores\na,1\n", "no column 'cost_per_hour'"),
        ("", "no column 'name'"),
        ("name,cores,cost_per_hour\n", "no machine in it"),
        ("name,cores,cost_per_hour\na,0,1\n", "line 2: '0' is no number of cores"),
        ("name,cores,cost_per_hour\na,1.5,1\n", "line 2: '1.5' is no number of cores"),
        ("name,cores,cost_per_hour\na,1,-1\n", "line 2: '-1' is no cost"),
        ("name,cores,cost_per_hour\na,1,nan\n", "line 2: 'nan' is no cost"),
        ("name,cores,cost_per_hour\n,1,1\n", "line 2: no name"),
        ("name,cores,cost_per_hour\na,1,1,9\n", "line 2: more values than columns"),
        ("name,cores,cost_per_hour\na,1\n", "line 2: '' is no cost"),
        ("name,cores,cost_per_hour\na,1,1\na,2,2\n", "'a' is there twice"),
    ],
)
def test_what_is_no_file_of_instance_types(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as error:
        parse_instances(text, "types.csv")
    assert "types.csv" in str(error.value)
