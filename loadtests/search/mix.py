"""What a mixed load consists of: requests of several kinds, by weight."""

from dataclasses import dataclass

from serving.corpus import BATCHES, bodies_of, protocol_of
from serving.errors import UsageError
from serving.models import MODELS, model_spec

_EXAMPLE = "write it as in digits:tensor:1=6,digits:json:8=1 (MODEL:BODY:BATCH=WEIGHT)"


@dataclass(frozen=True, slots=True)
class Part:
    """Requests of one kind, of which ``weight`` come for those that others have."""

    model: str
    body: str
    batch: int
    weight: float

    @property
    def name(self) -> str:
        """What it is called in the record and in Locust."""
        return f"{self.model} {self.body} x{self.batch}"

    @property
    def protocol(self) -> str:
        """``grpc`` or ``rest``, as the body format implies."""
        return protocol_of(self.body)


def parse_mix(text: str) -> tuple[Part, ...]:
    """Read ``MODEL:BODY:BATCH=WEIGHT``, separated by commas; UsageError names what is wrong."""
    parts = [_part(each.strip()) for each in text.split(",") if each.strip()]
    names = [part.name for part in parts]
    if not parts:
        raise UsageError(f"the mix is empty: {_EXAMPLE}")
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"the mix has {name} twice: {_EXAMPLE}")
    return tuple(parts)


def _part(text: str) -> Part:
    kind, _, weight_text = text.partition("=")
    fields = kind.split(":")
    try:
        model, body, batch = fields[0], fields[1], int(fields[2])
        weight = float(weight_text or 1)
    except (IndexError, ValueError):
        raise UsageError(f"the mix has {text!r} in it: {_EXAMPLE}") from None
    if model not in MODELS:
        raise UsageError(f"the mix has the model {model!r}: choose from {', '.join(MODELS)}")
    spec = model_spec(model)
    bodies = [each for protocol in ("grpc", "rest") for each in bodies_of(spec, protocol)]
    if body not in bodies:
        raise UsageError(
            f"{model} has no body {body!r} in the mix: choose from {', '.join(bodies)}"
        )
    if batch not in BATCHES:
        batches = ", ".join(map(str, BATCHES))
        raise UsageError(f"the mix has a batch of {batch}: choose from {batches}")
    if not 0 < weight < float("inf"):
        raise UsageError(f"the mix has a weight of {weight_text}: it must be above 0")
    return Part(model, body, batch, weight)
