"""A mix is read, or what is wrong with it is named."""

import pytest

from loadtests.search.courses import Mixed
from loadtests.search.load import Load
from loadtests.search.mix import Part, parse_mix
from serving.errors import UsageError


def test_parts_have_models_bodies_batches_and_weights() -> None:
    parts = parse_mix("digits:tensor:1=6, digits:json:8=0.5,resnet50:binary:1")
    assert parts == (
        Part("digits", "tensor", 1, 6),
        Part("digits", "json", 8, 0.5),
        Part("resnet50", "binary", 1, 1),
    )
    assert [part.protocol for part in parts] == ["grpc", "rest", "rest"]
    assert parts[1].name == "digits json x8"


def test_a_course_has_all_parts_at_once() -> None:
    load = Mixed(mix="digits:tensor:1=6,digits:json:8=1", rate_rps=70, mixed_s=20).lay(0)
    assert isinstance(load, Load)
    assert (load.rate_rps, load.measure_s, load.then) == (70, 20, ())
    assert load.parts == ("digits tensor x1", "digits json x8")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (" , ", "the mix is empty: write it as in digits:tensor:1=6"),
        ("digits", "the mix has 'digits' in it: write it as"),
        ("digits:json:one", "the mix has 'digits:json:one' in it"),
        ("digits:json:1=lots", "the mix has 'digits:json:1=lots' in it"),
        ("none:json:1", "the mix has the model 'none': choose from digits"),
        ("digits:binary:1", "digits has no body 'binary' in the mix: choose from tensor, json"),
        ("digits:json:3", "the mix has a batch of 3: choose from 1, 8, 32"),
        ("digits:json:1=0", "the mix has a weight of 0: it must be above 0"),
        ("digits:json:1,digits:json:1=2", "the mix has digits json x1 twice"),
    ],
)
def test_what_makes_no_sense_is_named(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_mix(text)
