"""What on this machine stops a run or spoils what it measures, and what to do about it."""
