"""A target: server, protocol, body format, model, client batch and configuration."""

from dataclasses import dataclass
from pathlib import Path

from serving.corpus import protocol_of


@dataclass(frozen=True, slots=True)
class Target:
    """What is measured, apart from how it is deployed.

    ``configuration`` is ``vendor``, ``tuned``, or the folder of another.
    """

    server: str
    model: str
    body: str
    batch: int
    configuration: str

    @property
    def protocol(self) -> str:
        """``grpc`` or ``rest``, as the body format implies."""
        return protocol_of(self.body)

    @property
    def configuration_name(self) -> str:
        """The configuration in a word: of a folder its own name."""
        return Path(self.configuration).name

    @property
    def name(self) -> str:
        """A name for files, tags and people, such as ``tfserving-grpc-digits-x1-tuned``."""
        body = "-binary" if self.body == "binary" else ""
        served = f"{self.server}-{self.protocol}{body}-{self.model}"
        return f"{served}-x{self.batch}-{self.configuration_name}"
