"""From displacement maps back to the width of the features they join."""

from torch import Tensor, nn


def _layer(inputs: int, outputs: int, kernel: int, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class Transformation(nn.Module):
    """``[N, maps, H, W]`` -> ``[N, C, H, W]``: three 3x3 convolutions in three groups, then 1x1 and
    depthwise 3x3 in turns, 16, 32, 64 and C wide; batch norm and ReLU after each, no bias.

    What comes out is at least zero and its last norm does not start at zero: the residual sum moves
    from the first step on, as released.
    """

    def __init__(self, maps: int, channels: int) -> None:
        super().__init__()
        layers = [_layer(maps, maps, 3, groups=3) for _ in range(3)]
        layers.append(_layer(maps, 16, 1))
        for inputs, outputs in ((16, 32), (32, 64), (64, channels)):
            layers += [_layer(inputs, inputs, 3, groups=inputs), _layer(inputs, outputs, 1)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)
