"""REST users; their Python client is that of Locust's FastHttpUser, bytes in and bytes out."""

import ssl
from collections.abc import Mapping
from typing import Any

from locust.contrib.fasthttp import FastHttpSession

from loadtests.users.base import TIMEOUT, CorpusUser
from serving.corpus import WIRES, AnyCorpus

HTTP_OK = 200


class RestUser(CorpusUser):
    """A user over REST; ``host`` is ``http://HOST:PORT`` or ``https://HOST:PORT``."""

    abstract = True
    protocol = "rest"
    method = "POST"
    body = "json"

    def headers(self, corpus: AnyCorpus) -> Mapping[str, str]:
        """The content type that the server expects of this body format."""
        return {"Content-Type": corpus.content_type}

    def prepare(self) -> None:
        """Open a session of this user's own."""
        super().prepare()
        self._headers = {**self.access.headers, **self.headers(self._corpus)}
        self._session = FastHttpSession(
            base_url=self.host,
            request_event=_Reported(self),
            user=self,
            network_timeout=self.timeout_s,
            connection_timeout=self.timeout_s,
            max_retries=0,  # a failed request is a result
            concurrency=1,
            insecure=False,
            ssl_context_factory=self._tls,
        )

    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.access.ca_file)

    def send(self, index: int) -> None:
        """One POST on this user's own connection."""
        with self._session.post(
            self._corpus.endpoint,
            name=self.label,
            data=self._corpus.requests[index],  # type: ignore[arg-type]  # bytes do as well
            headers=dict(self._headers),
            catch_response=True,
        ) as response:
            fault = self._status_fault(response) or self.fault_in(index, response.content)
            if fault:
                response.failure(fault)

    def _status_fault(self, response: Any) -> str | None:
        if response.status_code == HTTP_OK:
            return None
        if response.status_code:
            wire = WIRES[self.server]
            name: str = wire.error_name(response.status_code, response.content or b"")
            return name
        return _transport_fault(response.request_meta["exception"])


class _Reported:
    """Stands for Locust's ``request`` event in a session of its own."""

    def __init__(self, user: CorpusUser) -> None:
        self.fire = user.report


def _transport_fault(error: Exception | None) -> str:
    """Without an answer: ``timeout``, ``connect`` or ``reset``, else the error's own name."""
    error = getattr(error, "original", None) or error  # geventhttpclient wraps what it gave up on
    if isinstance(error, TimeoutError):
        return TIMEOUT
    if isinstance(error, ConnectionRefusedError):
        return "connect"
    if isinstance(error, ConnectionError) or type(error).__name__ == "HTTPConnectionClosed":
        return "reset"
    return type(error).__name__
