"""TorchServe: its wire format, its handler, and how it is run."""
