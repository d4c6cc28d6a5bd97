"""ResNet-50 v1.5 with seeded weights, over photographs.

The architecture of He et al., "Deep Residual Learning for Image Recognition" (2015), in the variant
that both communities call v1.5: a block's stride sits in its 3x3 convolution.

This file also travels inside the TorchServe archive, where `torch_module` alone is used: it
imports nothing of ours, and at its top nothing that a TorchServe worker lacks.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

SEED = 50
SAMPLES = 32
IMAGE_PIXELS = 224
CLASSES = 1000
# Width, blocks and first stride of each stage; a block's output is four times its width.
STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
EXPANSION = 4
BN_EPSILON = 1e-5
# How much a block adds to its shortcut. At 1 the sixteen blocks amplify rounding until frameworks
# that compute the same differ by 1.6e-4.
BLOCK_GAIN = 0.2
# ImageNet's mean and standard deviation of each channel.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)

Arrays = dict[str, NDArray[Any]]


def weights() -> Arrays:
    """Seeded weights by PyTorch's parameter names, calibrated on the samples.

    With untrained statistics activations would grow from block to block. One pass over the samples
    sets batch normalisation's mean and variance, and the last layer is shifted and scaled so that
    over the samples each logit has mean 0 and all together standard deviation 1 (nearly).
    """
    module = torch_module()
    generator = np.random.default_rng(SEED)
    state = {n: _seeded(generator, n, tuple(v.shape)) for n, v in module.state_dict().items()}
    module.load_state_dict({name: torch.tensor(value) for name, value in state.items()})
    _calibrate(module, torch.tensor(samples()["torchserve_inputs"]))
    return {name: value.numpy() for name, value in module.state_dict().items()}


def samples() -> Arrays:
    """Seeded crops of photographs: (32, 224, 224, 3) for TensorFlow, (32, 3, 224, 224) for PyTorch.

    Normalised as ImageNet's are; rounded to four decimals, which keeps their JSON short.
    """
    from sklearn.datasets import load_sample_images

    generator = np.random.default_rng(SEED)
    photographs = load_sample_images().images
    crops = [_crop(generator, photographs[i % len(photographs)]) for i in range(SAMPLES)]
    rows = np.round((np.stack(crops) / 255 - MEAN) / STD, 4).astype(np.float32)
    channels_first = np.ascontiguousarray(rows.transpose(0, 3, 1, 2))
    return {"tfserving_inputs": rows, "torchserve_inputs": channels_first}


def keras_model(values: Arrays) -> Any:
    """The model in Keras: float32 (n, 224, 224, 3) to logits (n, 1000)."""
    from tensorflow import keras

    layers = keras.layers

    def convolution(x: Any, name: str, width: int, size: int, stride: int = 1) -> Any:
        # PyTorch pads both sides alike, which "same" does not when the stride is 2.
        if size > 1:
            x = layers.ZeroPadding2D(size // 2)(x)
        return layers.Conv2D(width, size, stride, use_bias=False, name=name)(x)

    def normalise(x: Any, name: str) -> Any:
        return layers.BatchNormalization(epsilon=BN_EPSILON, name=name)(x)

    def block(x: Any, name: str, width: int, stride: int) -> Any:
        shortcut = x
        if stride != 1 or x.shape[-1] != EXPANSION * width:
            shortcut = convolution(x, f"{name}.downsample.0", EXPANSION * width, 1, stride)
            shortcut = normalise(shortcut, f"{name}.downsample.1")
        x = convolution(x, f"{name}.conv1", width, 1)
        x = layers.ReLU()(normalise(x, f"{name}.bn1"))
        x = convolution(x, f"{name}.conv2", width, 3, stride)
        x = layers.ReLU()(normalise(x, f"{name}.bn2"))
        x = convolution(x, f"{name}.conv3", EXPANSION * width, 1)
        x = normalise(x, f"{name}.bn3")
        return layers.ReLU()(layers.Add()([x, shortcut]))

    image = keras.Input((IMAGE_PIXELS, IMAGE_PIXELS, 3), name="image")
    x = convolution(image, "conv1", 64, 7, 2)
    x = layers.ReLU()(normalise(x, "bn1"))
    # Zeros are as good as PyTorch's -inf: after a ReLU nothing is smaller.
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
    for number, (width, blocks, first_stride) in enumerate(STAGES, 1):
        for index in range(blocks):
            x = block(x, f"layer{number}.{index}", width, 1 if index else first_stride)
    logits = layers.Dense(CLASSES, name="fc")(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(image, logits)
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(_keras_weights(values, layer.name))
    return model


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions beside a shortcut."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = EXPANSION * width
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width, BN_EPSILON)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width, BN_EPSILON)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs, BN_EPSILON)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False),
                nn.BatchNorm2d(outputs, BN_EPSILON),
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, inputs, h, w) to (n, outputs, h / stride, w / stride)."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        out: torch.Tensor = self.relu(y + self.downsample(x))
        return out


class ResNet50(nn.Module):
    """float32 (n, 3, 224, 224) to logits (n, 1000)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64, BN_EPSILON)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        self.layer1 = _stage(64, *STAGES[0])
        self.layer2 = _stage(256, *STAGES[1])
        self.layer3 = _stage(512, *STAGES[2])
        self.layer4 = _stage(1024, *STAGES[3])
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(2048, CLASSES)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """What the last layer sees: (n, 2048)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return torch.flatten(self.avgpool(x), 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, 3, 224, 224) to (n, 1000)."""
        logits: torch.Tensor = self.fc(self.features(x))
        return logits


def torch_module() -> ResNet50:
    """The model in PyTorch, its weights yet to be loaded."""
    return ResNet50()


def _stage(inputs: int, width: int, blocks: int, stride: int) -> nn.Sequential:
    rest = [Bottleneck(EXPANSION * width, width, 1) for _ in range(blocks - 1)]
    return nn.Sequential(Bottleneck(inputs, width, stride), *rest)


def _seeded(generator: np.random.Generator, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Convolutions and the last layer by He's rule; batch normalisation scales by about 1."""
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    if name.endswith(("bias", "running_mean")):
        return np.zeros(shape, np.float32)
    if len(shape) == 1:
        gain = BLOCK_GAIN if name.endswith("bn3.weight") else 1
        values = gain * generator.uniform(0.5, 1.5, shape)
    else:
        values = generator.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
    single: NDArray[np.float32] = values.astype(np.float32)
    return single


@torch.no_grad()
def _calibrate(module: ResNet50, images: torch.Tensor) -> None:
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
    features = module.train().features(images)
    logits = module.fc(features)
    scale = 1 / (logits - logits.mean(0)).std()
    module.fc.weight *= scale
    module.fc.bias.copy_(-module.fc(features).mean(0))


def _crop(generator: np.random.Generator, photograph: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A square of a third of the photograph's height or more, half of them mirrored."""
    from PIL import Image

    height, width, _ = photograph.shape
    side = int(generator.integers(height // 3, height + 1))
    top, left = generator.integers(height - side + 1), generator.integers(width - side + 1)
    square = photograph[top : top + side, left : left + side]
    if generator.random() < 0.5:
        square = square[:, ::-1]
    return np.asarray(Image.fromarray(square).resize((IMAGE_PIXELS, IMAGE_PIXELS)))


def _keras_weights(values: Arrays, name: str) -> list[NDArray[Any]]:
    """One layer's weights in Keras's order and layout."""
    kernel = values[f"{name}.weight"]
    if kernel.ndim == 4:
        return [kernel.transpose(2, 3, 1, 0)]
    if kernel.ndim == 2:
        return [kernel.T, values[f"{name}.bias"]]
    return [values[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
