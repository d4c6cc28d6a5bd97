"""From measurements to answers: which of two is better, what it scales to, how much is needed."""
