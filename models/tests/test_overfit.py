"""Every system learns 32 clips by heart, trained by the trainer that trains on data sets."""

from pathlib import Path

import pytest
import torch
from torch.utils.data import TensorDataset

from artmodels.sprites import clips
from artmodels.sprites.systems import system
from artmodels.training import FitConfig, Trainer, VideoLearner

CLIPS = 32
CONFIG = FitConfig(
    epochs=15,
    batch=16,
    optimiser="adamw",
    lr=5e-3,
    weight_decay=0.0,
    schedule="cosine",
    warmup=2,
    clip=5.0,
    workers=0,
    checkpoint=1000,
)


@pytest.mark.parametrize("name", ["TSN+TCM", "TSM+DSTS", "TSM+ART", "TSM+TCM+DSTS+ART"])
def test_a_system_learns_clips_by_heart(name: str, tmp_path: Path) -> None:
    frames, labels = (torch.from_numpy(part) for part in clips("order", CLIPS, 5))
    torch.manual_seed(0)
    model = system(name, "order")
    Trainer(VideoLearner(model, 4), TensorDataset(frames, labels), CONFIG, tmp_path).run()
    model.eval()
    with torch.no_grad():
        assert (model(frames).logits.argmax(1) == labels).all()
