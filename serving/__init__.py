"""What is served, and how a server is run."""
