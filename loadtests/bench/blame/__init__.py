"""Whom verdicts blame where the culprit is known, and which capacity is found of a known queue."""
