"""Arithmetic over what was observed; reads no clock and does no I/O."""
