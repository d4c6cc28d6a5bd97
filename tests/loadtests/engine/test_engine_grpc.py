"""gRPC against a real grpcio server, the independent oracle of what a call is."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from engine_totals import run

from loadtests.engine import Engine

METHOD = "test.Echo/Call"


class Service(grpc.GenericRpcHandler):
    def __init__(self) -> None:
        self.seen: list[tuple[bytes, dict[str, str], float]] = []

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if details.method != f"/{METHOD}":
            return None
        return grpc.unary_unary_rpc_method_handler(self.call)

    def call(self, message: bytes, context: grpc.ServicerContext) -> bytes:
        metadata = dict(context.invocation_metadata())
        self.seen.append((message, metadata, context.time_remaining()))
        if message == b"overload":
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many in flight")
        return message[::-1]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Service, int]]:
    service = Service()
    server = grpc.server(
        ThreadPoolExecutor(4),
        handlers=[service],
        options=[
            ("grpc.max_receive_message_length", 8 << 20),
            ("grpc.max_send_message_length", 8 << 20),
        ],
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield service, port
    server.stop(None).wait()


def test_every_answer_is_right_and_counted(served: tuple[Service, int]) -> None:
    service, port = served
    service.seen.clear()
    bodies = [b"a", b"bc", b"", b"x" * 3000]
    engine = Engine(
        f"grpc://localhost:{port}/{METHOD}",
        bodies,
        expected=[body[::-1] for body in bodies],
        connections=2,
        streams_per_connection=4,
        headers={"Authorization": "Bearer abc"},
        timeout_s=30,
        window_s=0.1,
    )
    totals = run(engine, users=8, until=300)
    assert totals.wrong == {}
    assert totals.unsent == 0
    assert totals.right == totals.sent == totals.due == len(service.seen)
    message, metadata, remaining_s = service.seen[-1]
    assert message in bodies
    assert {message for message, _, _ in service.seen} == set(bodies)
    assert metadata["authorization"] == "Bearer abc"
    assert 25 < remaining_s <= 30


def test_a_large_body_passes_flow_control(served: tuple[Service, int]) -> None:
    _, port = served
    body = bytes(range(256)) * (600 * 4)
    engine = Engine(
        f"grpc://127.0.0.1:{port}/{METHOD}",
        [body],
        expected=[body[::-1]],
        connections=2,
        window_s=0.1,
    )
    totals = run(engine, users=6, until=40)
    assert totals.wrong == {}
    assert totals.answer_bytes == totals.right * len(body)


def test_errors_carry_their_name_and_reason(served: tuple[Service, int]) -> None:
    _, port = served
    engine = Engine(f"grpc://127.0.0.1:{port}/{METHOD}", [b"overload", b"fine"], window_s=0.1)
    totals = run(engine, users=4, until=100)
    assert set(totals.wrong) == {"grpc 8 RESOURCE_EXHAUSTED"}
    assert totals.due == totals.right + totals.wrong["grpc 8 RESOURCE_EXHAUSTED"]
    assert abs(totals.right - totals.wrong["grpc 8 RESOURCE_EXHAUSTED"]) <= 4
    assert engine.error_details() == {"grpc 8 RESOURCE_EXHAUSTED": b"too many in flight"}


def test_a_method_that_is_not_there(served: tuple[Service, int]) -> None:
    _, port = served
    totals = run(Engine(f"grpc://127.0.0.1:{port}/test.Echo/No", window_s=0.1), users=2, until=10)
    assert set(totals.wrong) == {"grpc 12 UNIMPLEMENTED"}


def test_a_wrong_answer_is_no_success(served: tuple[Service, int]) -> None:
    _, port = served
    engine = Engine(f"grpc://127.0.0.1:{port}/{METHOD}", [b"ab"], expected=[b"ab"], window_s=0.1)
    totals = run(engine, users=2, until=10)
    assert set(totals.wrong) == {"wrong answer"}
    assert totals.right == 0
    assert totals.histogram("response", "wrong").get_total_count() == totals.wrong["wrong answer"]


def test_samples_are_full_answers_of_known_requests(served: tuple[Service, int]) -> None:
    _, port = served
    bodies = [b"one", b"two" * 40000]
    engine = Engine(f"grpc://127.0.0.1:{port}/{METHOD}", bodies, samples_per_window=3, window_s=0.2)
    totals = run(engine, users=3, until=200)
    samples = engine.poll_samples()
    assert 3 <= len(samples) <= 3 * len(totals.windows)
    for sample in samples:
        assert sample.answer == bodies[sample.body][::-1]
        assert sample.phase == "warmup"
        assert sample.whole
    assert engine.poll_samples() == []
