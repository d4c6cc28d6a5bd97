"""What of a server's configuration can be tuned, and the files that set it so."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from serving.tfserving import launch as tfserving
from serving.torchserve import launch as torchserve

Settings = Mapping[str, int]
"""Each axis' name, and its value."""

BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
DELAYS_MS = (1, 2, 4, 8, 16)
TIMEOUTS_US = (250, 500, 1000, 2000, 4000, 8000)
REST_THREADS = (16, 32, 64, 128, 256)
_SHORT = {
    "workers": "w",
    "batch_size": "b",
    "batch_delay_ms": "d",
    "batch_timeout_us": "t",
    "batch_threads": "n",
    "rest_threads": "r",
}


@dataclass(frozen=True, slots=True)
class Tunable:
    """The values that each setting of a server may take, and where to begin among them.

    ``start`` is what the configuration ``tuned`` sets, or the nearest to it.
    """

    server: str
    axes: Mapping[str, tuple[int, ...]]
    start: tuple[int, ...]

    def settings(self, point: tuple[int, ...]) -> dict[str, int]:
        """The values of ``point`` by the axes' names."""
        return dict(zip(self.axes, point, strict=True))

    def alike(self, point: tuple[int, ...]) -> tuple[int, ...]:
        """The one point that stands for all that make the same server: without batches, how long
        to wait for one does not matter, nor how many threads run them."""
        if self.settings(point)["batch_size"] > 1:
            return point
        free = ("batch_delay_ms", "batch_timeout_us", "batch_threads")
        return tuple(
            values[0] if name in free else value
            for (name, values), value in zip(self.axes.items(), point, strict=True)
        )


def tunable(server: str, protocol: str, cores: int) -> Tunable:
    """What can be tuned of ``server`` on so many cores, asked over ``protocol``."""
    threads = _upto(max(4, 2 * cores))
    axes: dict[str, tuple[int, ...]]
    if server == "torchserve":
        axes = {"workers": threads, "batch_size": BATCH_SIZES, "batch_delay_ms": DELAYS_MS}
        start = {"workers": cores, "batch_size": 64, "batch_delay_ms": 2}
    else:
        axes = {
            "batch_size": BATCH_SIZES,
            "batch_timeout_us": TIMEOUTS_US,
            "batch_threads": threads,
        }
        start = {"batch_size": 128, "batch_timeout_us": 1000, "batch_threads": cores}
        if protocol == "rest":
            axes["rest_threads"] = REST_THREADS
            start["rest_threads"] = 128
    nearest = (min(axes[name], key=lambda one: abs(one - start[name])) for name in axes)
    return Tunable(server, axes, tuple(nearest))


def name_of(settings: Settings) -> str:
    """Settings in a word, such as ``w2-b16-d4``."""
    return "-".join(f"{_SHORT[name]}{value}" for name, value in settings.items())


def write_configuration(server: str, settings: Settings, folder: Path, comment: str) -> None:
    """Write ``folder`` in the format of ``serving/*/config``: ready for ``--configuration``."""
    config = torchserve.CONFIG if server == "torchserve" else tfserving.CONFIG
    folder.mkdir(parents=True, exist_ok=True)
    for template in (config / "template").iterdir():
        text = _set(template.read_text(), settings)
        (folder / template.name).write_text(f"# {comment}\n{text}")
    if server == "torchserve":
        logging = config / "tuned" / "log4j2.xml"
        (folder / logging.name).write_bytes(logging.read_bytes())
    elif settings["batch_size"] == 1:
        _without_batching(folder)


def _set(text: str, settings: Settings) -> str:
    for name, value in {"rest_threads": 128, **settings}.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text


def _without_batching(folder: Path) -> None:
    flags = (folder / tfserving.FLAGS).read_text().splitlines()
    kept = [line for line in flags if "batching" not in line]
    (folder / tfserving.FLAGS).write_text("\n".join(kept) + "\n")
    (folder / "batching.config").unlink()


def _upto(most: int) -> tuple[int, ...]:
    """Powers of two and what is halfway between them: 1, 2, 3, 4, 6, 8 ..."""
    powers = [2**n for n in range(most.bit_length())]
    return tuple(n for n in sorted({*powers, *(3 * p // 2 for p in powers if p > 1)}) if n <= most)
