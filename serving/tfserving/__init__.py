"""TensorFlow Serving: its wire format, and how it is run."""
