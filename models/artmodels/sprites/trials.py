"""Training of the small networks on the three tasks, and the table of what came out."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from ..dsts import SpecialisationNeck
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


@dataclass
class Trial:
    """What came of one run."""

    accuracy: float  # on clips that the network never saw
    parameters: int
    usage: list[list[int]]  # test clips of every neuron of a DSTS neck, layer by layer


def trial(name: str, task: str, seed: int, steps: int = STEPS) -> Trial:
    """Train a system on a task and test it."""
    torch.manual_seed(seed)
    model = system(name, task)
    train(model, batches(task, seed), steps)
    neck = model.neck if isinstance(model.neck, SpecialisationNeck) else None
    if neck:
        neck.forget_usage()
    frames, labels = clips(task, TEST, [seed, 2], FRAMES)
    found = accuracy(model, torch.from_numpy(frames), torch.from_numpy(labels))
    return Trial(found, parameters(model), neck.usage().tolist() if neck else [])


def report(seeds: int, steps: int = STEPS) -> str:
    """Every trial as a Markdown table: mean top-1 over ``seeds`` runs, and each run; below it, how
    necks used their neurons.
    """
    lines = [
        f"{steps} steps of {BATCH} fresh clips of {FRAMES} frames, {TEST} test clips, "
        f"runs of each: {seeds}; top-1 in percent.",
        "",
        "| task (chance) | system | parameters | top-1 | runs | s a run |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    notes = []
    todo = [(task, name) for task, names in TRIALS.items() for name in names]
    for task, name in tqdm(todo, desc="sprites"):
        begun = time.monotonic()
        runs = [trial(name, task, seed, steps) for seed in range(seeds)]
        spent = (time.monotonic() - begun) / seeds
        mean = sum(run.accuracy for run in runs) / seeds
        each = ", ".join(f"{100 * run.accuracy:.1f}" for run in runs)
        chance = 100 / len(CLASSES[task])
        lines.append(
            f"| {task} ({chance:.0f}) | {name} | {runs[0].parameters:,} | {100 * mean:.1f} "
            f"| {each} | {spent:.0f} |"
        )
        used = "; ".join(str(layer) for run in runs for layer in run.usage)
        if used:
            notes += ["", f"Test clips of each neuron, {name}, a run after another: {used}."]
    return "\n".join([*lines, *notes, ""])
