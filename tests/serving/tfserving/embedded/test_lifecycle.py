"""How the stand-in starts, refuses to start, follows new versions and stops."""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
from importlib import metadata

import numpy as np
import pytest

from serving.paths import ROOT
from serving.tfserving import wire
from tests.serving.tfserving.embedded.stand_in import (
    METRICS_PATH,
    MLP,
    command,
    is_available,
    save_mlp,
    spawn,
    wait_until,
    write_warmup,
)


def refused(*flags: str) -> str:
    """The one line with which a start is refused."""
    ended = subprocess.run(
        command(*flags), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    lines = [line for line in ended.stderr.splitlines() if line.startswith("Failed to start")]
    assert len(lines) == 1, ended.stderr
    return lines[0].removeprefix("Failed to start server. Error: ")


def test_the_version() -> None:
    ended = subprocess.run(
        command("--version"), cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "stand-in" in ended.stdout
    assert f"TensorFlow Library: {metadata.version('tensorflow-cpu')}" in ended.stdout


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--frobnicate=1"], "unrecognized arguments: --frobnicate=1"),
        (["--port=http"], "argument --port: invalid int value: 'http'"),
        (["--port=70000"], "--port=70000 is no port"),
        ([], "neither --model_base_path nor --model_config_file is given"),
        (["--enable_batching=perhaps"], "'perhaps' is neither true nor false"),
        (
            ["--model_base_path=m", "--batching_parameters_file=b"],
            "--batching_parameters_file is set without --enable_batching",
        ),
    ],
)
def test_flags_that_cannot_be_met_are_refused(monkeypatch, capsys, flags, complaint) -> None:
    from serving.tfserving.embedded import __main__

    monkeypatch.setattr(sys, "argv", ["embedded", *flags])
    monkeypatch.setattr(__main__.signal, "signal", lambda *_: None)
    assert __main__.main() == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert complaint in line


def test_a_port_in_use_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert refused(f"--port={port}", "--model_base_path=m") == (
            f"port {port}: Address already in use"
        )


def test_a_corrupt_model_ends_the_start(tmp_path) -> None:
    version = tmp_path / "mlp" / "1"
    version.mkdir(parents=True)
    (version / "saved_model.pb").write_bytes(b"\xff\xff not a SavedModel")
    line = refused("--port=1024", "--model_name=mlp", f"--model_base_path={tmp_path / 'mlp'}")
    assert line.startswith(
        "1 servable(s) did not become available: {{name: mlp version: 1} due to error:"
    )
    assert str(version) in line


def put(staged, base, version: int) -> None:
    """Make a version appear as a whole: the server may look at any moment."""
    staged.rename(base / str(version))


def test_a_life(tmp_path, mlp_path) -> None:
    """Waits for a version; warms it up; replaces it; survives a bad one; leaves no port behind."""
    base = tmp_path / "mlp"
    server = spawn(
        tmp_path,
        "--model_name=mlp",
        f"--model_base_path={base}",
        "--file_system_poll_wait_seconds=1",
    )
    with contextlib.ExitStack() as stack:
        stack.callback(server.process.kill)
        wait_until(lambda: b"no versions of servable mlp" in server.log.read_bytes(), *of(server))
        base.mkdir()
        put(staged_copy(mlp_path / "1", tmp_path), base, 1)
        wait_until(lambda: is_available(server), *of(server))
        first = predict(server)

        second = tmp_path / "second"
        save_mlp(second, scale=0.5)
        write_warmup(second, [wire.warmup_record(MLP, np.ones((2, 4), np.float32))] * 3)
        put(second, base, 2)
        wait_until(lambda: states(server).get("2") == "AVAILABLE", *of(server))
        assert states(server) == {"2": "AVAILABLE", "1": "END"}
        assert abs(predict(server) - first).max() > 0.001
        warmups = [name for name in server.samples() if "warmup_latency_count" in name]
        assert len(warmups) == 2
        gone = server.rest(
            "POST", "/v1/models/mlp/versions/1:predict", '{"instances": [[1,2,3,4]]}'
        )
        assert gone[0] == 404

        third = staged_copy(mlp_path / "1", tmp_path)
        (third / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"no record at all")
        put(third, base, 3)
        wait_until(lambda: states(server).get("3") == "END", *of(server))
        assert states(server)["2"] == "AVAILABLE"
        status = json.loads(server.rest("GET", "/v1/models/mlp/versions/3")[2])
        assert status["model_version_status"][0]["status"]["error_code"] == "DATA_LOSS"
        assert "cannot load mlp version 3: DATA_LOSS" in server.log.read_text()

        assert server.stop() == 0
        for port in (server.grpc_port, server.rest_port):
            with socket.socket() as probe:
                assert probe.connect_ex(("127.0.0.1", port)) != 0


def of(server):
    return server.process, server.log


def staged_copy(version, tmp_path):
    return shutil.copytree(version, tmp_path / "staged")


def states(server) -> dict[str, str]:
    listed = json.loads(server.rest("GET", "/v1/models/mlp")[2])["model_version_status"]
    return {each["version"]: each["state"] for each in listed}


def predict(server) -> np.ndarray:
    rows = np.array([[0, 0, 0, 0.1]], np.float32)
    body = wire.encode(MLP, "json", rows).decode()
    return wire.decode(
        MLP, "json", server.rest("POST", wire.endpoint(MLP, "rest"), body)[2].encode()
    )


def test_the_stand_in_is_not_exposed(server) -> None:
    with socket.socket() as probe:
        probe.settimeout(2)
        assert probe.connect_ex(("127.0.0.1", server.rest_port)) == 0
    with socket.socket() as probe:  # another loopback address: only 127.0.0.1 is listened on
        probe.settimeout(2)
        assert probe.connect_ex(("127.0.0.2", server.rest_port)) != 0
    with socket.socket() as probe:
        probe.settimeout(2)
        assert probe.connect_ex(("127.0.0.2", server.grpc_port)) != 0
    assert METRICS_PATH in server.rest("GET", METRICS_PATH + "?x=1")[2]
