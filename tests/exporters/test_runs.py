"""Past runs in the schema."""

import json
from pathlib import Path

from exporters.collectors import runs
from tests.exporters.scraped import of, scraped

TARGET = {
    "name": "tfserving-grpc-digits-x1-tuned",
    "server": "tfserving",
    "protocol": "grpc",
    "model": "digits",
    "deployment": "native",
    "server_cores": [2, 3],
    "ceiling": {"goodput_rps": 5000.5, "ci95_rps": [4900, 5100], "users": 64},
    "capacity": {"rate_rps": 4000, "slo": "p99 <= 5 ms"},
    "verdict": {"valid": True, "reasons": []},
}
LABELS = (
    'deployment="native",{end}model="digits",protocol="grpc",run="{run}",server="tfserving",'
    'target="tfserving-grpc-digits-x1-tuned"'
)


def write(results: Path, name: str, target: dict[str, object]) -> None:
    summary = {"name": name, "started": "2026-01-02T03:04:05+00:00", "targets": [target]}
    (results / name).mkdir()
    (results / name / "summary.json").write_text(json.dumps(summary))


def key(name: str, run: str, end: str = "") -> str:
    end = f'end="{end}",' if end else ""
    return f"redline_run_{name}{{{LABELS.format(run=run, end=end)}}}"


def test_what_a_run_found(tmp_path: Path) -> None:
    write(tmp_path, "1-full", TARGET)
    (tmp_path / "latest").symlink_to("1-full")
    found = of(scraped(runs.collector(tmp_path)), "redline_run_")
    assert found == {
        key("ceiling_rps", "1-full"): 5000.5,
        key("ceiling_interval_rps", "1-full", "low"): 4900,
        key("ceiling_interval_rps", "1-full", "high"): 5100,
        key("capacity_rps", "1-full"): 4000,
        key("valid", "1-full"): 1,
        key("server_cores", "1-full"): 2,
        key("started_timestamp_seconds", "1-full"): 1767323045,
    }


def test_what_a_run_did_not_find_is_absent(tmp_path: Path) -> None:
    write(tmp_path, "1-cut", {**TARGET, "ceiling": None, "capacity": None, "verdict": None})
    found = of(scraped(runs.collector(tmp_path)), "redline_run_")
    assert found == {
        key("server_cores", "1-cut"): 2,
        key("started_timestamp_seconds", "1-cut"): 1767323045,
    }


def test_only_the_newest_and_what_can_be_read(tmp_path: Path) -> None:
    for number in range(10, 35):
        write(tmp_path, f"{number}", TARGET)
    (tmp_path / "34/summary.json").write_text("{cut")
    (tmp_path / "33/summary.json").unlink()
    found = of(scraped(runs.collector(tmp_path)), "redline_run_ceiling_rps")
    assert sorted(found) == [key("ceiling_rps", str(number)) for number in range(15, 33)]


def test_no_results_yet(tmp_path: Path) -> None:
    found = scraped(runs.collector(tmp_path / "none"))
    assert found["redline_runs_up"] == 0
    assert found['redline_runs_scrape_errors_total{kind="gone"}'] == 1
