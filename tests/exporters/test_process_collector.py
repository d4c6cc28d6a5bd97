"""Process trees, containers and the host in the schema."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from exporters.collectors import host, process
from exporters.container import container_pid
from exporters.errors import SourceError, Trouble
from exporters.fetch import fetch
from exporters.network import DeviceUsage, Flow, read_network
from exporters.rising import Rising
from tests.exporters.pages import answer
from tests.exporters.scraped import of, scraped

BURN = """
import sys, time
end = time.process_time() + 0.2
while time.process_time() < end: pass
print(time.process_time(), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def burner() -> Iterator[tuple[int, float]]:
    """A process that has used so many seconds, and waits."""
    with subprocess.Popen(
        [sys.executable, "-c", BURN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout
        yield child.pid, float(child.stdout.readline())
        child.communicate("\n")


def test_a_tree_by_role(burner: tuple[int, float]) -> None:
    pid, used_s = burner
    found = scraped(process.collector(lambda _limit_s: pid, "generator"))
    role = '{role="generator"}'
    assert found[f"redline_process_up{role}"] == 1
    assert found[f"redline_process_processes{role}"] == 1
    cpu_s = found[f"redline_process_cpu_seconds_total{role}"]
    assert used_s - 0.02 <= cpu_s <= used_s + 0.1
    memory = psutil.Process(pid).memory_info().rss
    assert found[f"redline_process_memory_bytes{role}"] == pytest.approx(memory, rel=0.05)
    switches = of(found, "redline_process_context_switches_total")
    assert len(switches) == 2
    received = f'redline_process_network_bytes_total{{device="lo",direction="received",{role[1:]}'
    assert found[received] > 0


def test_a_tree_that_has_ended_is_down_and_the_others_stay() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    here = process.collector(lambda _limit_s: os.getpid(), "here")
    gone = process.collector(lambda _limit_s: child.pid, "gone")
    found = scraped(host.collector(), here, gone)
    assert found['redline_process_up{role="here"}'] == 1
    assert found['redline_process_up{role="gone"}'] == 0
    assert found['redline_process_scrape_errors_total{kind="gone",role="gone"}'] == 1
    assert found["redline_host_up"] == 1


def test_the_cores_of_this_machine() -> None:
    found = scraped(host.collector())
    times = psutil.cpu_times(percpu=True)
    for core, expected in enumerate(times):
        labels = f'core="{core}",mode="idle"'
        idle_s = found[f"redline_host_cpu_seconds_total{{{labels}}}"]
        assert idle_s == pytest.approx(expected.idle + expected.iowait, rel=0.01)
    assert len(of(found, "redline_host_cpu_seconds_total")) == 3 * len(times)


def test_a_sum_that_falls_becomes_a_counter_that_does_not() -> None:
    rising = Rising()
    assert [rising("a", value) for value in (10, 12, 5, 6, 6)] == [10, 12, 12, 13, 13]
    assert rising("b", 3) == 3


NET_DEV = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes packets errs drop ...
    lo: 100 2 0 0 0 0 0 0 100 2 0 0 0 0 0 0
  eth0:7000000000 9 1 2 0 0 0 0 300 4 5 6 0 0 0 0
veth12: 1 1 1 1 0 0 0 0 1 1 1 1 0 0 0 0
"""


def network_of(folder: Path, text: str) -> dict[str, DeviceUsage]:
    path = folder / "proc/7/net/dev"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return dict(read_network(7, folder))


def test_devices_of_a_network(tmp_path: Path) -> None:
    assert network_of(tmp_path, NET_DEV) == {
        "lo": DeviceUsage(Flow(100, 2, 0), Flow(100, 2, 0)),
        "eth0": DeviceUsage(Flow(7_000_000_000, 9, 3), Flow(300, 4, 11)),
    }


@pytest.mark.parametrize("text", ["\n\neth0: 1 2", "\n\neth0: one two", "\n\nrubbish"])
def test_what_is_no_network(tmp_path: Path, text: str) -> None:
    with pytest.raises(SourceError) as raised:
        network_of(tmp_path, text)
    assert raised.value.trouble is Trouble.GARBLED


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """A Docker engine that answers each request with the next of these; [] ends it."""
    answers: list[bytes] = []
    path = tmp_path / "engine.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    thread = threading.Thread(target=_answer, args=(listener, answers))
    thread.start()
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    yield answers
    answers.append(b"end")
    with socket.socket(socket.AF_UNIX) as last:
        last.connect(str(path))
    thread.join()
    listener.close()


def _answer(listener: socket.socket, answers: list[bytes]) -> None:
    while True:
        client, _ = listener.accept()
        with client:
            if (text := answers.pop(0)) == b"end":
                return
            head = client.recv(4096)
            assert head.startswith(b"GET /containers/a%2Fb/json HTTP/1.1\r\n")
            client.sendall(text)


def test_a_containers_tree_is_found_anew_each_time(
    engine: list[bytes], burner: tuple[int, float]
) -> None:
    state = '{"Id":"x","State":{"Pid":%d,"Running":true}}'
    engine += [answer((state % pid).encode()) for pid in (os.getpid(), burner[0], 0)]
    one = process.collector(lambda limit_s: container_pid("a/b", limit_s), "server")
    mine, other, stopped = (scraped(one) for _ in range(3))
    assert mine['redline_process_threads{role="server"}'] >= 2
    assert other['redline_process_threads{role="server"}'] == 1
    assert other['redline_process_up{role="server"}'] == 1
    assert stopped['redline_process_scrape_errors_total{kind="gone",role="server"}'] == 1


def test_a_container_that_is_not_there(engine: list[bytes]) -> None:
    engine.append(answer(b'{"message":"No such container: a/b"}', "404 Not Found"))
    with pytest.raises(SourceError, match=r"container a/b: .*status 404: .*No such") as raised:
        container_pid("a/b")
    assert raised.value.trouble is Trouble.REFUSED


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"State":{}}', b'{"State":{"Pid":"x"}}'])
def test_what_is_no_containers_state(engine: list[bytes], text: bytes) -> None:
    engine.append(answer(text))
    with pytest.raises(SourceError, match="no container's state") as raised:
        container_pid("a/b")
    assert raised.value.trouble is Trouble.GARBLED


def test_no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(SourceError, match="No such file or directory") as raised:
        container_pid("a")
    assert raised.value.trouble is Trouble.UNREACHABLE


def test_a_socket_path_that_cannot_be() -> None:
    with pytest.raises(SourceError) as raised:
        fetch(f"http+unix://%2F{'x' * 200}/containers")
    assert raised.value.trouble is Trouble.UNREACHABLE
