"""Requests for any model: made up from a signature or read from files, with answers expected."""
