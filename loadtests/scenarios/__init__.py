"""Locustfiles, one workload each; pick the user class on Locust's command line."""
