"""Servers that run already, somewhere: where they are, what they serve, what may be asked."""
