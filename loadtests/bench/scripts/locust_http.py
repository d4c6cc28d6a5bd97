"""A locustfile: Locust's fastest HTTP client, each user posting the same body for ever."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from locust import FastHttpUser, constant, task

_URL = urlsplit(os.environ["BENCH_URL"])
_REQUEST = Path(os.environ["BENCH_REQUEST"]).read_bytes()
_HEADERS = {"Content-Type": "application/json"}


class HttpUser(FastHttpUser):
    """One virtual user on a connection of its own."""

    host = f"{_URL.scheme}://{_URL.netloc}"
    wait_time = constant(0)

    @task
    def post(self) -> None:
        """One request; a status of 400 and above is a failure."""
        self.client.post(_URL.path, data=_REQUEST, headers=_HEADERS)  # type: ignore[arg-type]
