"""Metrics of model servers and machines: read from their own sources, in base units."""
