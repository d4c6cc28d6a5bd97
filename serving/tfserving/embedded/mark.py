"""How the stand-in tells that it is one, where nobody but this suite looks.

It answers every REST request with the header ``Server: MARK``, and model status over gRPC with it in
the initial metadata.
"""

MARK = "redline-stand-in"
NAME = "server"
