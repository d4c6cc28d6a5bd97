"""Answers /api/health as Grafana does, once it has found all that Grafana would be started with."""

import configparser
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def what_is_wrong() -> str:
    """Of the mounts and the environment; empty when Grafana could start from them."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read_string(Path("/etc/grafana/grafana.ini").read_text())
    home = settings["dashboards"]["default_home_dashboard_path"]
    dashboards = os.environ["REDLINE_DASHBOARDS"]
    json.loads(Path(home.replace("$__env{REDLINE_DASHBOARDS}", dashboards)).read_text())
    source = Path("/etc/grafana/provisioning/datasources/prometheus.yml").read_text()
    if "${PROMETHEUS_URL}" not in source or not os.environ["PROMETHEUS_URL"]:
        return "no data source"
    if len(Path(os.environ["GF_SECURITY_ADMIN_PASSWORD__FILE"]).read_text().strip()) < 16:
        return "no password"
    Path("/var/lib/grafana/grafana.db").write_text("")  # it must be able to write there
    return ""


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        wrong = what_is_wrong()
        body = json.dumps({"database": wrong or "ok", "version": "stand-in"}, indent=2).encode()
        self.send_response(503 if wrong else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer((os.environ["GF_SERVER_HTTP_ADDR"], 3000), Health).serve_forever()
