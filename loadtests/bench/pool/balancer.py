"""nginx in front of some servers: how the bench's replicas are pooled."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from loadtests.bench.programs import find_program
from loadtests.bench.servers import TEMP_FOLDERS, await_listening
from loadtests.planning.balancing import Balancing
from loadtests.ports import free_port
from serving.process import ManagedProcess

METHODS: dict[Balancing, str] = {
    "random": "random;",
    "round-robin": "",
    "least-loaded": "least_conn;",
}


@contextlib.contextmanager
def balancer(kind: Balancing, ports: Sequence[int], core: int, folder: Path) -> Iterator[str]:
    """Run it over servers on ``ports`` of this machine, until the block ends; its URL. BenchError.

    It keeps its connections to them open.
    """
    home = folder / "nginx"
    home.mkdir(exist_ok=True)
    port = free_port()
    config = home / "nginx.conf"
    config.write_text(_config(kind, ports, port, home))
    command = [find_program("nginx"), "-p", str(home), "-c", str(config), "-e", "stderr"]
    process = ManagedProcess(command, cores=[core], log=home / "nginx.log")
    try:
        await_listening("nginx", process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.stop()


def _config(kind: Balancing, ports: Sequence[int], port: int, home: Path) -> str:
    servers = "".join(f"        server 127.0.0.1:{each};\n" for each in ports)
    temp = "".join(f"    {name}_temp_path {home}/{name};\n" for name in TEMP_FOLDERS)
    return (
        f"daemon off;\nmaster_process off;\npid {home}/pid;\nerror_log stderr;\n"
        "events { worker_connections 8192; }\n"
        f"http {{\n    access_log off;\n{temp}"
        "    keepalive_requests 1000000000;\n"
        f"    upstream replicas {{\n        {METHODS[kind]}\n{servers}"
        "        keepalive 2048;\n        keepalive_requests 1000000000;\n    }\n"
        f"    server {{\n        listen 127.0.0.1:{port};\n"
        "        location / {\n            proxy_pass http://replicas;\n"
        '            proxy_http_version 1.1;\n            proxy_set_header Connection "";\n'
        "        }\n    }\n}\n"
    )
