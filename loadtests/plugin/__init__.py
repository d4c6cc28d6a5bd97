"""What plugs into Locust: windows from every worker, a search that drives the users."""
