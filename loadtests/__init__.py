"""Load generated, measured truthfully, recorded and reported."""
