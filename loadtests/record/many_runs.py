"""What records of measurements that consist of many runs have in common."""

from loadtests.record.run import Host, Record


class ManyRuns(Record):
    """One measurement. ``finished`` is None until it ended whole; ``failure`` says what cut it."""

    name: str
    started: str
    finished: str | None = None
    failure: str | None = None
    command: list[str]
    redline: str
    host: Host
