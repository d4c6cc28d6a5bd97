"""The reference server: known service times, and its own log as the truth that is measured against.

A native program (its sources are beside this file) that answers gRPC over cleartext HTTP/2 and
HTTP/1.1 on one port of the loopback interface. ``launch`` starts it, ``log`` reads what it saw.
"""
