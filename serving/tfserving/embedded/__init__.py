"""A stand-in for `tensorflow_model_server` over the TensorFlow runtime installed here.

It speaks the same API on the same flags, for machines that have no real binary. It is Python: its
speed says nothing about TensorFlow Serving's.
"""
