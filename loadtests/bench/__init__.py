"""`make bench`: the load engine beside other load generators, on servers that do nothing."""
