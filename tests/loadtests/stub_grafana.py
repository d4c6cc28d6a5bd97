#!/usr/bin/env python3
"""Not Grafana: a stub in its place. It takes the same command line and environment, reads the
provisioning that it is given, and tells at /provisioned what it found there."""

import http.server
import json
import os
import sys
from pathlib import Path

HOME, CONFIG = Path(sys.argv[3]), Path(sys.argv[5])
assert sys.argv[1:5:3] == ["server", "--config"]
assert sys.argv[2] == "--homepath"
PROVISIONING = Path(os.environ["GF_PATHS_PROVISIONING"])


def found() -> dict[str, object]:
    """What Grafana would have to work with."""
    return {
        "home": str(HOME),
        "settings": CONFIG.read_text(),
        "datasources": os.path.expandvars(
            (PROVISIONING / "datasources/prometheus.yml").read_text()
        ),
        "providers": os.path.expandvars((PROVISIONING / "dashboards/redline.yml").read_text()),
        "data": os.environ["GF_PATHS_DATA"],
    }


class Handler(http.server.BaseHTTPRequestHandler):
    """Healthy, as soon as it listens."""

    def do_GET(self) -> None:
        pages = {"/api/health": {"database": "ok"}, "/provisioned": found()}
        self.send_response(200 if self.path in pages else 404)
        self.end_headers()
        self.wfile.write(json.dumps(pages.get(self.path)).encode())


port = int(os.environ["GF_SERVER_HTTP_PORT"])
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
