"""The command line and the files that it names."""

import os
from pathlib import Path

import pytest

from serving.tfserving.embedded import flags
from serving.tfserving.embedded.errors import StartError


def parse(*arguments: str):
    return flags.parse(["--model_base_path=m", *arguments])


def test_the_defaults_are_the_real_servers() -> None:
    given = parse()
    threads = 4 * len(os.sched_getaffinity(0))
    assert (given.port, given.rest_api_port, given.model_name) == (8500, 0, "default")
    assert (given.grpc_max_threads, given.rest_api_num_threads) == (threads, threads)
    assert (given.enable_batching, given.enable_model_warmup) == (False, True)
    assert given.file_system_poll_wait_seconds == 1
    assert flags.metrics_path(given) is None


def test_both_forms_of_a_value() -> None:
    assert parse("--port=9000").port == parse("--port", "9000").port == 9000


@pytest.mark.parametrize(
    ("argument", "enabled"),
    [
        ("--enable_batching", True),
        ("--enable_batching=true", True),
        ("--enable_batching=1", True),
        ("--enable_batching=false", False),
    ],
)
def test_both_forms_of_a_switch(argument, enabled) -> None:
    assert parse(argument).enable_batching is enabled


def test_channel_arguments_are_numbers_or_text() -> None:
    given = parse("--grpc_channel_arguments=grpc.max_concurrent_streams=7,grpc.primary=agent")
    assert flags.channel_arguments(given) == [
        ("grpc.max_concurrent_streams", 7),
        ("grpc.primary", "agent"),
    ]
    with pytest.raises(StartError, match="'nonsense' is not key=value"):
        flags.channel_arguments(parse("--grpc_channel_arguments=nonsense"))


def test_one_model_or_a_list_of_models(tmp_path) -> None:
    assert flags.model_paths(parse("--model_name=a")) == {"a": Path("m")}
    listed = tmp_path / "models"
    listed.write_text(
        "model_config_list { config { name: 'a' base_path: '/x' model_platform: 'tensorflow' }"
        " config { name: 'b' base_path: '/y' } }"
    )
    given = parse(f"--model_config_file={listed}")
    assert flags.model_paths(given) == {"a": Path("/x"), "b": Path("/y")}


def test_what_is_not_understood_in_a_file_is_refused_with_its_place(tmp_path) -> None:
    listed = tmp_path / "models"
    given = parse(f"--model_config_file={listed}")
    with pytest.raises(StartError, match=r"cannot read .*models"):
        flags.model_paths(given)
    listed.write_text("model_config_list { config { name: 'a'\n version_labels { key: 'k' } } }")
    with pytest.raises(StartError, match=r'models: 2:2 .*no field named "version_labels"'):
        flags.model_paths(given)
    listed.write_text("model_config_list { config { name: 'a' } config { name: 'a' } }")
    with pytest.raises(StartError, match="each under a name of its own"):
        flags.model_paths(given)


def test_the_metrics_path(tmp_path) -> None:
    config = tmp_path / "monitoring"
    given = parse(f"--monitoring_config_file={config}")
    config.write_text("prometheus_config { enable: true }")
    assert flags.metrics_path(given) == "/monitoring/prometheus/metrics"
    config.write_text('prometheus_config { enable: true, path: "/m" }')
    assert flags.metrics_path(given) == "/m"
    config.write_text("prometheus_config { enable: false }")
    assert flags.metrics_path(given) is None
