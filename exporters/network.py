"""What the devices of a network carry: counters since each device was made, from ``/proc``."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from exporters.errors import SourceError, Trouble
from exporters.kernel import read

ROOT = Path("/")
_FIELDS = 16


@dataclass(frozen=True, slots=True)
class Flow:
    """One direction of a device. ``lost`` packets were dropped, or had an error."""

    total_bytes: int
    packets: int
    lost: int


@dataclass(frozen=True, slots=True)
class DeviceUsage:
    """A device's two directions."""

    received: Flow
    sent: Flow


def read_network(pid: int, root: Path = ROOT) -> Mapping[str, DeviceUsage]:
    """The devices, by name, that the process ``pid`` sees: the host's, or its container's own.

    The ends of containers' links (``veth...``) are left out: they come and go, and what they carry
    counts elsewhere too. SourceError when there is no such process.
    """
    path = root / f"proc/{pid}/net/dev"
    text = read(path)
    if text is None:
        raise SourceError(f"process {pid}", Trouble.GONE, "it has ended")
    try:
        lines = (line.partition(":") for line in text.splitlines()[2:])
        return {
            device: _usage(rest.split())
            for device, _, rest in ((name.strip(), colon, rest) for name, colon, rest in lines)
            if not device.startswith("veth")
        }
    except (ValueError, IndexError):
        raise SourceError(path, Trouble.GARBLED, "no such file as Linux has") from None


def _usage(fields: list[str]) -> DeviceUsage:
    """Each direction: bytes, packets, errors, dropped, and four more."""
    numbers = [int(field) for field in fields[:_FIELDS]]
    return DeviceUsage(
        received=Flow(numbers[0], numbers[1], numbers[2] + numbers[3]),
        sent=Flow(numbers[8], numbers[9], numbers[10] + numbers[11]),
    )
