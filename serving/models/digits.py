"""A 64-128-10 perceptron over scikit-learn's handwritten digits.

This file also travels inside the TorchServe archive, where `torch_module` alone is used: it
imports nothing of ours, and at its top nothing that a TorchServe worker lacks.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

SEED = 20
HELD_OUT = 360
PIXEL_MAX = 16
# Keeps the network from being so sure of itself that two images of one digit get the same answer,
# to within the parity tolerance: swapped answers would pass for right ones.
REGULARISATION = 0.6


def weights() -> dict[str, NDArray[np.float32]]:
    """Weights trained on the images that `samples` leaves out, by PyTorch's parameter names."""
    from sklearn.neural_network import MLPClassifier

    train_rows, _, train_labels, _ = _split()
    network = MLPClassifier((128,), alpha=REGULARISATION, tol=1e-3, random_state=SEED)
    network.fit(train_rows, train_labels)
    (hidden, output), (hidden_bias, output_bias) = network.coefs_, network.intercepts_
    return {
        "hidden.weight": hidden.T.astype(np.float32),
        "hidden.bias": hidden_bias.astype(np.float32),
        "output.weight": output.T.astype(np.float32),
        "output.bias": output_bias.astype(np.float32),
    }


def samples() -> dict[str, NDArray[Any]]:
    """The held-out images, pixels in [0, 1]: both servers' inputs (360, 64), and labels (360,)."""
    _, rows, _, labels = _split()
    return {"tfserving_inputs": rows, "torchserve_inputs": rows, "labels": labels}


def keras_model(values: dict[str, NDArray[np.float32]]) -> Any:
    """The model in Keras: float32 (n, 64) to probabilities (n, 10)."""
    from tensorflow import keras

    model = keras.Sequential(
        [
            keras.Input((64,), name="image"),
            keras.layers.Dense(128, activation="relu", name="hidden"),
            keras.layers.Dense(10, activation="softmax", name="output"),
        ]
    )
    for name in ("hidden", "output"):
        model.get_layer(name).set_weights([values[f"{name}.weight"].T, values[f"{name}.bias"]])
    return model


def torch_module() -> nn.Module:
    """The model in PyTorch, its weights yet to be loaded: float32 (n, 64) to (n, 10)."""
    module = nn.Sequential()
    module.add_module("hidden", nn.Linear(64, 128))
    module.add_module("relu", nn.ReLU())
    module.add_module("output", nn.Linear(128, 10))
    module.add_module("softmax", nn.Softmax(dim=1))
    return module


def _split() -> list[NDArray[Any]]:
    """Train rows, held-out rows, train labels, held-out labels."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    rows = (images / PIXEL_MAX).astype(np.float32)
    split: list[NDArray[Any]] = train_test_split(
        rows, labels, test_size=HELD_OUT, stratify=labels, random_state=SEED
    )
    return split
