"""``python -m exporters``: one exporter, until a signal ends it."""

import logging
import signal
import sys
from collections.abc import Sequence

from exporters.arguments import parse
from exporters.errors import ListenError
from exporters.listen import served

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: Sequence[str]) -> int:
    """Serve what the ``arguments`` ask for; the exit code: 0 once stopped, 1 if it cannot."""
    asked = parse(arguments)
    logging.basicConfig(format="exporters: %(message)s", level=logging.INFO)
    # Before any thread is started, since it would take the signals itself.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        with served(asked.collectors, asked.host, asked.port) as url:
            logging.info("%s at %s", asked.name, url)
            signal.sigwait(STOP_SIGNALS)
    except ListenError as error:
        logging.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
