"""Frame stage: the encoder's last stages learn the diver's pose, frame by frame, from cached trunk
features.

Frozen ImageNet features hardly tell a body's front from its back; the renderer knows the pose of
every frame, so the stages from stride 8 to 16 are tuned to regress it. Training only: nothing of
the targets is needed later.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from .config import Config, FrameStageConfig
from .encoder import TOKEN_CHANNELS, TOKEN_STRIDE, FrameEncoder
from .features import FeatureSet, dequantise
from .optim import optimiser, warm_cosine
from .targets import FrameTargets, frame_targets, inside_mask, mirror_features, mirror_frames
from .temporal import FrameEmbedding, FrameReadout


class FrameModel(nn.Module):
    """Encoder tail with the heads that supervise it."""

    def __init__(self, config: Config, tail: nn.Module, parts: int) -> None:
        super().__init__()
        self.tail = tail
        self.embedding = FrameEmbedding(
            TOKEN_CHANNELS, config.data.size // TOKEN_STRIDE, config.encoder
        )
        self.readout = FrameReadout(config.encoder.width)
        self.body = nn.Linear(config.encoder.width, 4)
        self.parts = nn.Conv2d(TOKEN_CHANNELS, parts, 1)

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """Trunk features ``[N, 40, h, w]`` -> pose, phase, body box and part maps."""
        tokens = self.tail(features)
        vector = self.embedding(tokens)
        pose, phase = self.readout(vector)
        return {
            "pose": pose,
            "phase": phase,
            "body": self.body(vector),
            "parts": self.parts(tokens),
        }


def frame_losses(output: dict[str, Tensor], target: FrameTargets) -> dict[str, Tensor]:
    """Each averaged over the frames where its truth is known."""
    height, width = output["parts"].shape[-2:]
    inside = inside_mask(target.parts, height, width).float()
    posed, seen = target.posed.float(), target.seen.float()
    return {
        "pose": ((output["pose"] - target.pose).square().mean(-1) * posed).sum()
        / posed.sum().clamp(min=1)
        * 4,
        "phase": F.cross_entropy(output["phase"], target.phase) * 0.3,
        "body": ((output["body"] - target.body).abs().mean(-1) * seen).sum()
        / seen.sum().clamp(min=1)
        * 2,
        "parts": F.binary_cross_entropy_with_logits(output["parts"], inside),
    }


def draw(data: FeatureSet, batch: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Random samples, three of four with a diver on the board or in flight: clips ``[B]``, frames
    ``[B]``.
    """
    clips = rng.integers(len(data), size=batch)
    frames = rng.integers(data.clip_frames, size=batch)
    for row in range(batch * 3 // 4):
        active = np.flatnonzero(np.isin(data.truth["phase"][clips[row]], (0, 1)))
        if len(active):
            frames[row] = rng.choice(active)
    return clips, frames


def angles(pose: Tensor, target: Tensor) -> tuple[float, float]:
    """Median angle in degrees between predicted and true torso axis and chest normal."""

    def median(a: Tensor, b: Tensor) -> float:
        return (
            torch.rad2deg(torch.acos(F.cosine_similarity(a, b, dim=-1).clamp(-1, 1)))
            .median()
            .item()
        )

    return median(pose[:, :3], target[:, :3]), median(pose[:, 3:6], target[:, 3:6])


@torch.no_grad()
def validate(model: FrameModel, data: FeatureSet, scale: Tensor, batches: int = 16) -> str:
    """Losses and pose angles on fixed random frames, in words."""
    model.eval()
    rng = np.random.default_rng(0)
    poses, truths, sums = [], [], {}
    for _ in range(batches):
        clips, frames = draw(data, 64, rng)
        target = frame_targets(data.truth, clips, frames)
        output = model(dequantise(data.take(clips, frames), scale))
        for key, value in frame_losses(output, target).items():
            sums[key] = sums.get(key, 0.0) + value.item() / batches
        poses.append(output["pose"][target.posed])
        truths.append(target.pose[target.posed])
    torso, chest = angles(torch.cat(poses), torch.cat(truths))
    model.train()
    losses = " ".join(f"{key} {value:.3f}" for key, value in sums.items())
    return f"{losses} | torso {torso:.1f} deg, chest {chest:.1f} deg"


def tune(config: Config, features: Path, out: Path) -> None:
    """Tune the tail and write ``out``: weights of the encoder, of the frame embedding and of the
    pose readout.
    """
    stage: FrameStageConfig = config.frame_stage
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    data, held = (
        FeatureSet.open(features, "train", stage.clips or None),
        FeatureSet.open(features, "val"),
    )
    scale = torch.from_numpy(data.scale)
    encoder = FrameEncoder(config.encoder.pretrained)
    model = FrameModel(config, encoder.tail, data.truth["boxes"].shape[2]).to(
        memory_format=torch.channels_last
    )
    steps = optimiser(model, stage.lr, stage.weight_decay)
    schedule = warm_cosine(steps, stage.warmup, stage.steps)
    running = 0.0
    with tqdm(total=stage.steps, desc="frame stage", mininterval=5) as bar:
        for step in range(stage.steps):
            clips, frames = draw(data, stage.batch, rng)
            mirror = torch.from_numpy(rng.random(stage.batch) < 0.5)
            target = frame_targets(data.truth, clips, frames)
            mirror_frames(target, mirror)
            x = dequantise(mirror_features(data.take(clips, frames), mirror), scale)
            loss = sum(frame_losses(model(x), target).values())
            steps.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            steps.step()
            schedule.step()
            running = loss.item() if step == 0 else 0.98 * running + 0.02 * loss.item()
            bar.update()
            bar.set_postfix(loss=f"{running:.3f}", refresh=False)
            if (step + 1) % 250 == 0 or step + 1 == stage.steps:
                tqdm.write(
                    f"step {step + 1}: train {running:.3f} | val {validate(model, held, scale)}"
                )
    out.parent.mkdir(parents=True, exist_ok=True)
    torch.save(
        {
            "encoder": encoder.state_dict(),
            "embedding": model.embedding.state_dict(),
            "readout": model.readout.state_dict(),
        },
        out,
    )
