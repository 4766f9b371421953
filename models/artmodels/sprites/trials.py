"""Training of the small networks on the three tasks, and the table of what came out."""

import time
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from ..optim import optimiser, warm_cosine
from ..video import VideoModel
from ..video.objective import video_terms
from .systems import FRAMES, parameters, system
from .tasks import CLASSES, clips

TRIALS = {
    "tempo": ("TSN", "TSN+TCM", "TSM", "TSM+TCM"),
    "order": ("TSN", "TSM"),
    "small-part": ("TSM", "TSM+DSTS", "TSM+ART"),
}
STEPS, BATCH, TEST = 300, 16, 400
LR, WEIGHT_DECAY, CLIP = 3e-3, 0.01, 5.0

Batch = tuple[Tensor, Tensor]


def batches(task: str, seed: int) -> Iterator[Batch]:
    """Fresh clips without end: frames and class distributions."""
    number = 0
    while True:
        frames, labels = clips(task, BATCH, [seed, 1, number], FRAMES)
        target = F.one_hot(torch.from_numpy(labels), len(CLASSES[task])).float()
        yield torch.from_numpy(frames), target
        number += 1


def train(model: VideoModel, data: Iterator[Batch], steps: int, lr: float = LR) -> None:
    """Train on ``steps`` batches, all parameters together; a bank follows its agent after each."""
    adam = optimiser(model, lr, WEIGHT_DECAY)
    schedule = warm_cosine(adam, steps // 10, steps)
    model.train()
    for _ in range(steps):
        frames, target = next(data)
        loss = sum(video_terms(model, model(frames), target).values())
        adam.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        adam.step()
        schedule.step()
        if hasattr(model.head, "semantics"):
            model.head.semantics.bank.step()


@torch.no_grad()
def accuracy(model: VideoModel, frames: Tensor, labels: Tensor) -> float:
    """Share of clips whose class is named."""
    model.eval()
    said = torch.cat([model(part).logits.argmax(1) for part in frames.split(50)])
    return (said == labels).float().mean().item()


def trial(name: str, task: str, seed: int, steps: int = STEPS) -> tuple[float, int]:
    """Train a system on a task; accuracy on clips that it never saw, and its parameters."""
    torch.manual_seed(seed)
    model = system(name, task)
    train(model, batches(task, seed), steps)
    frames, labels = clips(task, TEST, [seed, 2], FRAMES)
    found = accuracy(model, torch.from_numpy(frames), torch.from_numpy(labels))
    return found, parameters(model)


def report(seeds: int, steps: int = STEPS) -> str:
    """Every trial as a Markdown table: mean top-1 over ``seeds`` runs, and each run."""
    lines = [
        f"{steps} steps of {BATCH} fresh clips of {FRAMES} frames, {TEST} test clips, {seeds} "
        "seeds; percent.",
        "",
        "| task (chance) | system | parameters | top-1 | runs | s a run |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    todo = [(task, name) for task, names in TRIALS.items() for name in names]
    for task, name in tqdm(todo, desc="sprites"):
        begun = time.monotonic()
        runs = [trial(name, task, seed, steps) for seed in range(seeds)]
        spent = (time.monotonic() - begun) / seeds
        mean = sum(found for found, _ in runs) / seeds
        each = ", ".join(f"{100 * found:.1f}" for found, _ in runs)
        chance = 100 / len(CLASSES[task])
        lines.append(
            f"| {task} ({chance:.0f}) | {name} | {runs[0][1]:,} | {100 * mean:.1f} | {each} "
            f"| {spent:.0f} |"
        )
    return "\n".join([*lines, ""])
