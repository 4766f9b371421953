"""One run: a system, a seed, the shared budget."""

import time
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from ..dsts.learning import UpstreamDownstream
from ..features import FeatureSet
from ..labels import Attributes
from ..metrics import accuracy
from ..optim import optimiser, warm_cosine
from ..targets import WindowTargets
from ..train import Batches, predict
from ..video.objective import video_terms
from .config import BenchmarkConfig
from .systems import System, TokenNetwork

Found = dict[str, float]
Batch = tuple[Tensor, WindowTargets]

NEVER = -1e9  # score of the background, which takes no part
OTHERS = 1  # of the seeds: the order of the batches that simulated steps are judged by


def dives(data: FeatureSet, classes: int, each: int) -> FeatureSet:
    """The first ``each`` clips of every class, features in memory; clips without a dive are left
    out.
    """
    label = data.truth["label"]
    chosen = np.sort(np.concatenate([np.flatnonzero(label == c)[:each] for c in range(classes)]))
    if len(chosen) < classes * each:
        raise ValueError(
            f"{len(chosen)} clips of {classes} classes, {each} of each are asked for: "
            "render more with `python -m artmodels features`, or ask for fewer"
        )
    frames = np.arange(data.clip_frames)
    features = data.take(chosen, np.broadcast_to(frames, (len(chosen), len(frames))))
    truth = {key: value[chosen] for key, value in data.truth.items()}
    return replace(data, shards=[features], truth=truth)


@torch.no_grad()
def scores(network: TokenNetwork, data: FeatureSet, config: BenchmarkConfig) -> np.ndarray:
    """Logits ``[n, N + 1]`` of the centred window of every clip, with a background column."""
    network.eval()
    logits = predict(data, config.windows(), lambda tokens: network(tokens).logits, 32)
    return np.pad(logits, ((0, 0), (0, 1)), constant_values=NEVER)


def fit(
    network: TokenNetwork,
    data: FeatureSet,
    attributes: Attributes,
    config: BenchmarkConfig,
    seed: int,
    learning: str = "joint",
) -> None:
    """Train on the budget; a text bank follows its agent after every step.

    Upstream-downstream learning draws a second batch of the same clips for each step and simulates
    with the present rate: the same clips and steps, about four times the work.
    """
    run = config.run
    classes = len(attributes.ids)
    batches = Batches(data, config.windows(), attributes, classes)
    steps = optimiser(network, run.lr, run.weight_decay)
    schedule = warm_cosine(steps, run.warmup, run.epochs * (len(data) // run.batch))
    deciding = None
    if learning == "upstream-downstream":
        deciding = UpstreamDownstream(network, network.neck.upstream(), run.lr)

    def loss(batch: Batch) -> Tensor:
        tokens, target = batch
        soft = target.classes[:, :classes]
        soft = soft / soft.sum(1, keepdim=True)
        return sum(video_terms(network, network(tokens), soft).values())

    def decide(batch: Batch, other: Batch) -> None:
        """Steps 1 and 2: what decides takes a step of the optimiser alone."""
        deciding.alpha = schedule.get_last_lr()[0]
        found = deciding.upstream_gradient(partial(loss, batch), partial(loss, other))
        for parameter, gradient in zip(deciding.upstream, found, strict=True):
            parameter.grad = gradient
        steps.step()

    network.train()
    for epoch in range(run.epochs):
        others = batches(run.batch, np.random.default_rng([seed, epoch, OTHERS]))
        for batch in batches(run.batch, np.random.default_rng([seed, epoch])):
            steps.zero_grad(set_to_none=True)
            if deciding:
                decide(batch, next(others))
                steps.zero_grad(set_to_none=True)
            loss(batch).backward()
            for parameter in deciding.upstream if deciding else ():
                parameter.grad = None
            nn.utils.clip_grad_norm_(network.parameters(), run.clip)
            steps.step()
            schedule.step()
            if hasattr(network.head, "semantics"):
                network.head.semantics.bank.step()


def run(
    system: System,
    seed: int,
    train: FeatureSet,
    test: FeatureSet,
    attributes: Attributes,
    bank: Tensor,
    config: BenchmarkConfig,
) -> tuple[TokenNetwork, Found]:
    """Train and test once: the network, and its top-1, mean-class and seconds of CPU."""
    torch.manual_seed(seed)
    begun = time.process_time()
    network = TokenNetwork(system, config, bank)
    fit(network, train, attributes, config, seed, system.learning)
    found = accuracy(scores(network, test, config), test.truth["label"], attributes)
    return network, {
        "top-1": found["top-1"],
        "mean-class": found["mean-class"],
        "seconds": time.process_time() - begun,
    }
