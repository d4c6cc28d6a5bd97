"""What docker-compose.yml promises of every container, read from the file itself."""

import re
from typing import Any

import pytest
import yaml

from serving.paths import ROOT

FILE = ROOT / "docker-compose.yml"
STACK: dict[str, Any] = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = STACK["services"]
EVERY = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())
DEFAULT = re.compile(r"\$\{\w+:-([^}]*)\}")


def plain(text: object) -> str:
    """With the default of each variable in its place."""
    return DEFAULT.sub(r"\1", str(text))


@EVERY
def test_a_container_can_do_little(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges=true"]
    assert "privileged" not in service
    assert "devices" not in service
    assert "network_mode" not in service
    assert service.get("pid", "service:").startswith("service:")


@EVERY
def test_no_container_runs_as_root(service: dict[str, Any]) -> None:
    user, _, _ = service["user"].partition(":")
    assert int(user) > 0


@EVERY
def test_every_container_has_limits(service: dict[str, Any]) -> None:
    assert re.fullmatch(r"\d+[mg]", plain(service["mem_limit"]))
    assert service["pids_limit"] > 0
    assert plain(service["ulimits"]["nofile"]) == "65536"
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    if "build" not in service or service["build"]["target"] != "models":  # it serves nothing
        assert re.fullmatch(r"\d+(-\d+)?", plain(service["cpuset"]))


def test_servers_and_generator_are_kept_apart() -> None:
    servers = {SERVICES[name]["cpuset"] for name in ("tfserving", "torchserve")}
    others = {
        service["cpuset"]
        for name, service in SERVICES.items()
        if name not in ("tfserving", "torchserve", "models")
    }
    assert [plain(each) for each in servers] == ["1"]
    assert [plain(each) for each in others] == ["0"]


@EVERY
def test_ports_are_published_on_the_loopback_interface_only(service: dict[str, Any]) -> None:
    for port in service.get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", plain(port))


def test_the_management_port_is_not_published() -> None:
    published = {plain(port).split(":")[-1] for port in SERVICES["torchserve"]["ports"]}
    assert published == {"8080", "7070"}


@EVERY
def test_images_are_of_one_version(service: dict[str, Any]) -> None:
    name, colon, tag = plain(service["image"]).rpartition(":")
    assert colon
    assert name
    assert tag not in ("", "latest")
    if not name.startswith("redline"):
        assert re.search(r"\d+\.\d+\.\d+", tag)


@EVERY
def test_only_volumes_of_its_own_are_writable(service: dict[str, Any]) -> None:
    for volume in service.get("volumes", []):
        source, _, rest = plain(volume).partition(":")
        assert rest.endswith(":ro") or source in STACK["volumes"]
        assert "docker.sock" not in volume


def test_every_service_that_answers_is_asked_whether_it_does() -> None:
    without = {name for name, service in SERVICES.items() if "healthcheck" not in service}
    assert without == {*("models", "locust-worker", "tfserving-namespace", "torchserve-namespace")}
    for server in ("tfserving", "torchserve"):
        assert "/served/right" in SERVICES[server]["healthcheck"]["test"]


def test_no_secret_is_in_the_files() -> None:
    words = re.compile(
        r"(password|token|secret|key)\w*[ \t]*(?::-?|=)[ \t]*['\"]?[^\s'\"$/.{\[-]", re.IGNORECASE
    )
    for name in ("docker-compose.yml", ".env", "Dockerfile"):
        found = words.findall((ROOT / name).read_text())
        assert not found, name
    assert SERVICES["grafana"]["secrets"] == ["grafana-password"]
    ignored = (ROOT / ".gitignore").read_text().split()
    assert plain(STACK["secrets"]["grafana-password"]["file"]).startswith("./.secrets/")
    assert "/.secrets/" in ignored


def test_prometheus_scrapes_the_names_of_the_stack() -> None:
    config = yaml.safe_load((ROOT / "exporters/prometheus/compose.yml").read_text())
    targets = {
        target.partition(":")[0]
        for job in config["scrape_configs"]
        for group in job["static_configs"]
        for target in group["targets"]
    }
    assert targets <= SERVICES.keys()
    assert {name for name in SERVICES if name.endswith("-exporter")} <= targets


@pytest.mark.parametrize("server", ["tfserving", "torchserve"])
def test_a_process_exporter_knows_its_server_by_its_user(server: str) -> None:
    exporter = SERVICES[f"{server}-process-exporter"]
    user, _, _ = SERVICES[server]["user"].partition(":")
    assert f"--user={user}" in exporter["command"]
    assert exporter["pid"] == SERVICES[server]["pid"] == f"service:{server}-namespace"
    others = [each["user"] for name, each in SERVICES.items() if name != server]
    assert SERVICES[server]["user"] not in others
