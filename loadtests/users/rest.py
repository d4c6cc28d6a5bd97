"""REST users: Locust's FastHttpUser, bytes in and bytes out."""

from typing import Any

from locust import FastHttpUser

from loadtests.users.base import TIMEOUT, CorpusUser

HTTP_OK = 200


class RestUser(CorpusUser, FastHttpUser):
    """A user over REST; ``host`` is ``http://HOST:PORT``."""

    abstract = True
    protocol = "rest"
    body = "json"
    network_timeout = CorpusUser.timeout_s
    connection_timeout = CorpusUser.timeout_s

    def on_start(self) -> None:
        """Prepare what all requests share."""
        super().on_start()
        self._headers = {"Content-Type": self._corpus.wire.content_type(self.body)}

    def send(self, index: int) -> None:
        """One POST on this user's own connection."""
        with self.client.post(
            self._corpus.endpoint,
            name=self._label,
            data=self._corpus.requests[index],  # type: ignore[arg-type]  # bytes do as well
            headers=self._headers,
            catch_response=True,
        ) as response:
            fault = self._status_fault(response) or self.fault_in(index, response.content)
            if fault:
                response.failure(fault)

    def _status_fault(self, response: Any) -> str | None:
        if response.status_code == HTTP_OK:
            return None
        if response.status_code:
            name: str = self._corpus.wire.error_name(response.status_code, response.content or b"")
            return name
        return _transport_fault(response.request_meta["exception"])


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
