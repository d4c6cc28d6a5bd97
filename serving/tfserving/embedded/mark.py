"""How the stand-in tells that it is one, where nobody but this suite looks.

Every REST reply has the header ``Server: MARK``; over gRPC model status has it in the initial
metadata.
"""

MARK = "redline-stand-in"
NAME = "server"
