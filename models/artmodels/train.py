"""Training of the head on cached tokens: the global branch first, then everything together."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from .config import Config, TrainConfig
from .features import FeatureSet, dequantise
from .labels import Attributes
from .metrics import accuracy, in_words
from .model import ArtModel
from .objective import Terms, art_terms, global_terms
from .optim import Average, optimiser, warm_cosine
from .targets import WindowTargets, mirror_features, mirror_windows, window_targets
from .windows import centred_start, dive_weight, flight_share, sample_indices


def draw_starts(
    data: FeatureSet, clips: np.ndarray, config: Config, rng: np.random.Generator
) -> np.ndarray:
    """Random first samples ``[B]``: mostly windows that hold the dive, some at any phase."""
    train, span = config.train, config.data.frames
    first, last = -train.overhang, data.clip_frames - span + train.overhang
    options = np.arange(first, last + 1)
    share = flight_share(
        options[None] / config.data.fps,
        span / config.data.fps,
        data.truth["takeoff"][clips, None],
        data.truth["entry"][clips, None],
    )
    covering = (dive_weight(share) == 1) & (rng.random(len(clips)) < train.covering)[:, None]
    allowed = np.where(covering.any(1, keepdims=True), covering, True)
    return options[np.argmax(rng.random(allowed.shape) * allowed, axis=1)]


class Batches:
    """Shuffled, augmented windows of one epoch."""

    def __init__(
        self, data: FeatureSet, config: Config, attributes: Attributes, background: int
    ) -> None:
        self.data, self.config, self.attributes, self.background = (
            data,
            config,
            attributes,
            background,
        )
        self.scale = torch.from_numpy(data.scale)

    def __call__(self, size: int, rng: np.random.Generator) -> Any:
        """Yields tokens ``[B, T, C, h, w]`` and their targets."""
        order = rng.permutation(len(self.data))
        train, data = self.config.train, self.config.data
        for at in range(0, len(order) - size + 1, size):
            clips = order[at : at + size]
            starts = draw_starts(self.data, clips, self.config, rng)
            speed = 1 + train.speed * (2 * rng.random(size) - 1)
            frames = sample_indices(starts, data.frames, self.data.clip_frames, speed)
            mirror = torch.from_numpy(rng.random(size) < 0.5)
            target = window_targets(
                self.data.truth, clips, frames, data.fps, self.attributes, self.background
            )
            mirror_windows(target, mirror)
            tokens = mirror_features(self.data.take(clips, frames), mirror)
            yield dequantise(tokens, self.scale), target


def centred_windows(data: FeatureSet, config: Config) -> np.ndarray:
    """Sample numbers ``[n, T]`` of the evaluation window of every clip."""
    truth, span = data.truth, config.data.frames
    starts = centred_start(
        truth["takeoff"], truth["entry"], data.clip_frames, span, config.data.fps
    )
    return sample_indices(starts, span, data.clip_frames)


@torch.no_grad()
def predict(
    data: FeatureSet, config: Config, forward: Callable[[Tensor], Tensor], batch: int = 64
) -> np.ndarray:
    """Logits ``[n, N]`` of the evaluation window of every clip."""
    frames, scale = centred_windows(data, config), torch.from_numpy(data.scale)
    clips = np.arange(len(data))
    return np.concatenate(
        [
            forward(
                dequantise(data.take(clips[at : at + batch], frames[at : at + batch]), scale)
            ).numpy()
            for at in range(0, len(data), batch)
        ]
    )


class Trainer:
    """Two phases over one model; the state after every epoch is kept, to resume from."""

    def __init__(
        self, model: ArtModel, labels: list[str], tokens: Path, out: Path, limit: int | None = None
    ) -> None:
        self.model, self.config, self.out = model, model.config, out
        out.parent.mkdir(parents=True, exist_ok=True)
        self._freeze()
        self.attributes = Attributes.of(labels[:-1])
        self.data = FeatureSet.open(tokens, "train", limit)
        self.held = FeatureSet.open(tokens, "val")
        self.batches = Batches(self.data, self.config, self.attributes, len(labels) - 1)
        self.average = Average(model.head, self.config.train.average)

    def _freeze(self) -> None:
        parts = dict(self.model.head.named_children())
        for name in self.config.train.frozen:
            if name not in parts:
                known = ", ".join(parts)
                raise ValueError(f"train.frozen: the head has no '{name}', it has {known}")
            parts[name].requires_grad_(False)

    def run(self, resume: bool = True) -> None:
        """Train both phases; the model ends with the averaged weights."""
        stored = self._stored() if resume else None
        train = self.config.train
        phases = [
            ("global", train.global_epochs, train.batch, train.lr, self._global_step),
            ("joint", train.joint_epochs, train.joint_batch, train.joint_lr, self._joint_step),
        ]
        for name, epochs, batch, lr, step in phases:
            if epochs == 0 or (stored and stored["phase"] == "joint" and name == "global"):
                continue
            here = stored if stored and stored["phase"] == name else None
            if name == "joint" and here is None:
                self._start_joint()
            self._phase(name, epochs, batch, lr, step, here)
        self.model.head.load_state_dict(self.average.state)

    def _start_joint(self) -> None:
        """Go on from the averaged weights, with the final classifier set to the global one."""
        head = self.model.head
        head.load_state_dict(self.average.state)
        if self.config.train.global_epochs:
            head.start_final()
        self.average = Average(head, self.config.train.average)

    def _phase(
        self,
        name: str,
        epochs: int,
        batch: int,
        lr: float,
        step: Callable[..., Terms],
        stored: dict[str, Any] | None,
    ) -> None:
        train: TrainConfig = self.config.train
        head = self.model.head
        steps = optimiser(head, lr, train.weight_decay)
        schedule = warm_cosine(steps, train.warmup, epochs * (len(self.data) // batch))
        first = 0
        if stored:
            head.load_state_dict(stored["head"])
            self.average.state, self.average.updates = stored["average"], stored["updates"]
            steps.load_state_dict(stored["optimiser"])
            schedule.load_state_dict(stored["schedule"])
            torch.set_rng_state(stored["random"])
            first = stored["epoch"]
        for epoch in range(first, epochs):
            begun, sums, count = time.monotonic(), {}, 0
            rng = np.random.default_rng([self.config.seed, name == "joint", epoch])
            head.train()
            bar = tqdm(
                self.batches(batch, rng),
                total=len(self.data) // batch,
                desc=f"{name} {epoch + 1}/{epochs}",
                mininterval=10,
                leave=False,
            )
            for tokens, target in bar:
                terms = step(tokens, target)
                steps.zero_grad(set_to_none=True)
                sum(terms.values()).backward()
                nn.utils.clip_grad_norm_(head.parameters(), train.clip)
                steps.step()
                schedule.step()
                head.semantics.bank.step()
                self.average.update(head)
                count += 1
                for key, value in terms.items():
                    sums[key] = sums.get(key, 0.0) + value.item()
            losses = " ".join(f"{key} {value / count:.3f}" for key, value in sums.items())
            held = in_words(self._validate(name)) if epoch % 5 == 4 or name == "joint" else ""
            tqdm.write(f"{name} {epoch + 1} ({time.monotonic() - begun:.0f} s): {losses} | {held}")
            self._store(name, epoch + 1, steps, schedule)

    def _global_step(self, tokens: Tensor, target: WindowTargets) -> Terms:
        head = self.model.head
        return global_terms(head, head.whole(tokens), target, self.config.losses, self.attributes)

    def _joint_step(self, tokens: Tensor, target: WindowTargets) -> Terms:
        head = self.model.head
        return art_terms(head, head(tokens), target, self.config.losses, self.attributes)

    def _validate(self, name: str) -> dict[str, float]:
        head = self.model.head
        present = {key: value.clone() for key, value in head.state_dict().items()}
        head.load_state_dict(self.average.state)
        head.eval()
        if name == "joint":
            logits = predict(self.held, self.config, lambda x: head(x).logits)
        else:
            logits = predict(self.held, self.config, lambda x: head.video_scores(head.whole(x))[0])
        head.load_state_dict(present)
        return accuracy(logits, self.held.truth["label"], self.attributes)

    @property
    def _checkpoint(self) -> Path:
        return self.out.with_suffix(".resume")

    def _store(self, phase: str, epoch: int, steps: torch.optim.Optimizer, schedule: Any) -> None:
        part = self._checkpoint.with_suffix(".part")
        torch.save(
            {
                "phase": phase,
                "epoch": epoch,
                "head": self.model.head.state_dict(),
                "average": self.average.state,
                "updates": self.average.updates,
                "optimiser": steps.state_dict(),
                "schedule": schedule.state_dict(),
                "random": torch.get_rng_state(),
            },
            part,
        )
        part.replace(self._checkpoint)

    def _stored(self) -> dict[str, Any] | None:
        return (
            torch.load(self._checkpoint, weights_only=True) if self._checkpoint.exists() else None
        )
