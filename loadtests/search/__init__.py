"""Searches for a load: pure state machines, fed probes, answering the next load."""
