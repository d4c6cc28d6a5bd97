"""A server that no longer lets the generator in is told from one that fails."""

from typing import Any

import pytest

from loadtests.admitted import check_admitted
from serving.errors import AccessError
from serving.launch import Launch

LAUNCH = Launch("torchserve", "external", "not told", (), "", {"rest": "http://a:1"}, ())


def window(kind: str, said: str = "") -> dict[str, Any]:
    return {"wrong": {kind: 3}, "said": {kind: said} if said else {}}


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("http 401", "no token"),
        ("http 403", ""),
        ("grpc 16 UNAUTHENTICATED", "token expired"),
        ("grpc 7 PERMISSION_DENIED", "Invalid token"),
        ("http 400", '{"code": 400, "type": "InvalidKeyException"}'),
        ("400 InvalidKeyException", ""),
        ("401 ErrorDataDecoderException", ""),
        ("UNAUTHENTICATED", ""),
    ],
)
def test_credentials_that_are_refused_end_a_run(kind: str, said: str) -> None:
    with pytest.raises(AccessError, match="give one that outlives the run") as caught:
        check_admitted(window(kind, said), LAUNCH)
    assert f"3 x {kind}" in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize("kind", ["http 503", "http 400", "grpc 8 RESOURCE_EXHAUSTED", "timeout"])
def test_other_failures_do_not(kind: str) -> None:
    check_admitted(window(kind, "busy"), LAUNCH)
    check_admitted({"wrong": {}, "said": {}}, LAUNCH)
