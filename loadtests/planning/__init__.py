"""From what was measured of one server to what a demand needs; pure."""
