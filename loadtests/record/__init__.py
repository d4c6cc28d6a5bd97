"""The run record: one writer, one reader, and the summary drawn from it."""
