"""Which process is a container's first, as the Docker engine tells."""

import os
from urllib.parse import quote

from pydantic import BaseModel, Field, ValidationError

from exporters.errors import SourceError, Trouble
from exporters.fetch import TIMEOUT_S, fetch

SOCKET = "/var/run/docker.sock"
_UNIX = "unix://"


def container_pid(container: str, timeout_s: float = TIMEOUT_S) -> int:
    """The process id of ``container``, a name or an id, on this machine.

    The engine is asked at ``DOCKER_HOST`` if that names a socket, else at ``SOCKET``; SourceError
    when it is not there, may not be asked, or runs no such container.
    """
    host = os.environ.get("DOCKER_HOST", "")
    path = host.removeprefix(_UNIX) if host.startswith(_UNIX) else SOCKET
    url = f"http+unix://{quote(path, safe='')}/containers/{quote(container, safe='')}/json"
    try:
        state = _Container.model_validate_json(fetch(url, timeout_s)).state
    except ValidationError as error:
        what = f"no container's state: {error.errors()[0]['msg']}"
        raise SourceError(url, Trouble.GARBLED, what) from None
    except SourceError as error:
        what = f"the Docker engine does not tell: {error}"
        raise SourceError(f"container {container}", error.trouble, what) from None
    if not state.pid:
        raise SourceError(f"container {container}", Trouble.GONE, "it does not run")
    return state.pid


class _State(BaseModel):
    pid: int = Field(alias="Pid")


class _Container(BaseModel):
    state: _State = Field(alias="State")
