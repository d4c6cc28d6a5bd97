"""How true the engine's figures are: held against the log of a server whose times are known."""
