"""A real server that serves several models answers for each, rightly."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

from serving.corpus import open_corpus
from serving.deployment import deploy
from serving.launch import Launch
from serving.models.store import BuiltModel
from serving.tfserving import launch as tfserving_launch
from serving.torchserve import launch as torchserve_launch
from serving.versions import own_copy
from tests.conftest import free_ports, server_core
from tests.lanes import own_torchserve

MANIFEST = "MAR-INF/MANIFEST.json"


def other(digits: BuiltModel, folder: Path) -> BuiltModel:
    """Digits under another name."""
    copy = own_copy(digits, folder)
    spec = replace(digits.spec, name="others")
    (copy.folder / "tfserving" / "digits").rename(copy.folder / "tfserving" / "others")
    with zipfile.ZipFile(digits.mar) as source:
        entries = {name: source.read(name) for name in source.namelist()}
    told = json.loads(entries[MANIFEST])
    told["model"]["modelName"] = "others"
    with zipfile.ZipFile(copy.folder / "torchserve" / "others.mar", "w") as made:
        for name, content in (entries | {MANIFEST: json.dumps(told)}).items():
            made.writestr(name, content)
    return replace(copy, spec=spec)


def check(launch: Launch, models: list[BuiltModel], work: Path) -> None:
    with deploy(launch, [server_core()], work, work.with_name("log")) as server:
        for built in models:
            server.wait_until_right(open_corpus(built, launch.server, "json", 1))


def test_tensorflow_serving_serves_several(digits: BuiltModel, work: Path) -> None:
    models = [digits, other(digits, work.with_name("others"))]
    ports = tfserving_launch.Ports(*free_ports(2))
    launch = tfserving_launch.launch(models[0], "embedded", "tuned", 1, work, ports, models[1:])
    check(launch, models, work)


@own_torchserve
def test_torchserve_serves_several(digits: BuiltModel, work: Path) -> None:
    models = [digits, other(digits, work.with_name("others"))]
    ports = torchserve_launch.Ports(*free_ports(5))
    launch = torchserve_launch.launch(models[0], "tuned", 1, work, ports, models[1:])
    assert "batchSize" in launch.files["config.properties"]
    check(launch, models, work)
