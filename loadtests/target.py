"""A target: server, protocol, body format, model, client batch and configuration."""

from dataclasses import dataclass

from serving.corpus import protocol_of


@dataclass(frozen=True, slots=True)
class Target:
    """What is measured, apart from how it is deployed."""

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
    def name(self) -> str:
        """A name for files, tags and people, such as ``tfserving-grpc-digits-x1-tuned``."""
        body = "-binary" if self.body == "binary" else ""
        return (
            f"{self.server}-{self.protocol}{body}-{self.model}-x{self.batch}-{self.configuration}"
        )
