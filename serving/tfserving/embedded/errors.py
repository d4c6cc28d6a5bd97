"""What a request or a start can fail with, in TensorFlow Serving's own codes."""

from dataclasses import dataclass
from typing import Any

import grpc

# HTTP statuses as TensorFlow Serving's REST server gives them; any other code is a 500.
_HTTP_STATUS = {
    "OK": 200,
    "CANCELLED": 499,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "UNAUTHENTICATED": 401,
}
CODE_NAMES: dict[int, str] = {code.value[0]: code.name for code in grpc.StatusCode}


class StartError(Exception):
    """The server cannot start: one line saying why."""


@dataclass(eq=False)
class ServingError(Exception):
    """A request failed with ``code``, the name of one of gRPC's status codes."""

    code: str
    message: str

    @classmethod
    def from_runtime(cls, error: Any) -> "ServingError":
        """What TensorFlow's runtime raised (a tf.errors.OpError), unchanged."""
        return cls(CODE_NAMES.get(error.error_code, "UNKNOWN"), error.message)

    @property
    def number(self) -> int:
        """The code's number, the same in gRPC and TensorFlow."""
        number: int = self.grpc_code.value[0]
        return number

    @property
    def grpc_code(self) -> grpc.StatusCode:
        """The code for a gRPC reply."""
        return grpc.StatusCode[self.code]

    @property
    def http_status(self) -> int:
        """The status of a REST reply."""
        return _HTTP_STATUS.get(self.code, 500)


def invalid(message: str) -> ServingError:
    """The request is at fault: INVALID_ARGUMENT."""
    return ServingError("INVALID_ARGUMENT", message)
