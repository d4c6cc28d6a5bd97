"""What may go wrong in a benchmark, as a single line."""

from serving.errors import RedlineError


class BenchError(RedlineError):
    """A tool is missing, failed, or printed what is not understood."""
