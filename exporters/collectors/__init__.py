"""Sources turned into the metrics of :mod:`exporters.schema`, one file a source."""
