"""The dashboards as the JSON that Grafana reads."""

import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana import generator, overview, runs, server

FOLDER = Path(__file__).parent / "dashboards"


def texts() -> dict[str, str]:
    """The text of every dashboard's file, by the file's name."""
    builds = (overview.build, server.build, generator.build, runs.build)
    dashboards = [build().build() for build in builds]
    return {
        f"{each.uid}.json": json.dumps(each, cls=JSONEncoder, indent=2, sort_keys=True) + "\n"
        for each in dashboards
    }
