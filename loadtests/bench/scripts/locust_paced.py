"""A locustfile: Locust's fastest HTTP client, each user so often a second."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from locust import FastHttpUser, constant_throughput, task

_URL = urlsplit(os.environ["BENCH_URL"])
_REQUEST = Path(os.environ["BENCH_REQUEST"]).read_bytes()


class PacedUser(FastHttpUser):
    """One virtual user on a connection of its own."""

    host = f"{_URL.scheme}://{_URL.netloc}"
    wait_time = constant_throughput(float(os.environ["BENCH_RATE"]))

    @task
    def post(self) -> None:
        """One request; a status of 400 and above is a failure."""
        self.client.post(_URL.path, data=_REQUEST)  # type: ignore[arg-type]
