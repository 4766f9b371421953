"""The trainer: steps over a map-style data set, a state to resume from, one process or several."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, Dataset

from ..art.bank import SemanticsBank
from ..dsts import SpecialisationNeck, UpstreamDownstream
from ..dsts.learning import without_trace
from .config import FitConfig
from .groups import optimiser
from .journal import Journal, Means
from .order import Order, SeededItems
from .processes import Processes
from .schedule import schedule
from .state import random_state, read, seed_generators, set_random_state, write
from .statistics import share_statistics

STATE = "resume.pt"
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

Batch = list[Tensor]
Validate = Callable[[], dict[str, float]]


class Trainer:
    """Trains ``learner``, a module that turns a batch of ``data`` into losses by name.

    ``data`` is any map-style data set; its random choices may use the global generators of Python,
    NumPy and PyTorch. ``out`` is the folder of the run: the state to resume from and TensorBoard's
    files. ``validate`` is called by all processes after every ``config.validate`` epochs and tells
    scores by name, from 0 to 1. ``subject`` says what is trained on what: a state is taken up by a
    run of the same one. Text banks follow their agents and DSTS necks learn as ``config``
    says, wherever they are in the learner.

    A run that is interrupted at any moment and started again ends with the weights of an unbroken
    one, bit for bit on CPUs: parameters, optimiser, schedule, scaler, the position in the epoch and
    every generator are restored, and what a clip looks like depends on the epoch and its number
    alone.
    """

    def __init__(
        self,
        learner: nn.Module,
        data: Dataset,
        config: FitConfig,
        out: Path,
        seed: int = 0,
        processes: Processes | None = None,
        validate: Validate | None = None,
        subject: dict[str, Any] | None = None,
    ) -> None:
        self.processes = processes or Processes()
        self.device = self.processes.device
        self.learner = learner.to(self.device)
        self.data, self.config, self.out, self.seed = data, config, out, seed
        self.validate = validate
        self.subject = subject or {}
        self.banks = [m for m in learner.modules() if isinstance(m, SemanticsBank)]
        self.necks = [m for m in learner.modules() if isinstance(m, SpecialisationNeck)]
        self.apart = config.learning == "upstream-downstream"
        if self.apart and not self.necks:
            raise ValueError("upstream-downstream learning needs a DSTS neck, the network has none")
        self.steps = optimiser(learner, config)
        self.order = self._order(stream=0)
        self.total = config.epochs * self.order.an_epoch
        self.schedule = schedule(self.steps, config, self.order.an_epoch)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=config.precision == "fp16")
        self.step = 0

    def run(self, resume: bool = True) -> None:
        """Train to the end, from the stored state if there is one and ``resume``."""
        self.out.mkdir(parents=True, exist_ok=True)
        seed_generators(self.seed + self.processes.rank)
        if resume and (self.out / STATE).exists():
            self._restore()
        journal = self._journal()
        try:
            self._go_on(journal)
        finally:
            if journal:
                journal.close()

    def _go_on(self, journal: Journal | None) -> None:
        means = Means()
        whole = self._whole()
        deciding = self._deciding() if self.apart else None
        batches = self._batches(self.order)
        others = self._batches(self._order(stream=1)) if self.apart else None
        self.learner.train()
        while self.step < self.total:
            parts = [next(batches) for _ in range(self.config.accumulate)]
            if deciding and others:
                self._decide(deciding, parts[0], next(others))
            self._learn(whole, parts, means)
            self.step += 1
            self._tell(journal, means)
            if self.step % (self.order.an_epoch * self.config.validate) == 0:
                self._validated(journal)
            if self.step % self.config.checkpoint == 0 or self.step == self.total:
                self._store()

    def _order(self, stream: int) -> Order:
        return Order(
            len(self.data),
            self.config.batch,
            self.seed,
            stream,
            self.processes.rank,
            self.processes.count,
            self.config.accumulate,
        )

    def _journal(self) -> Journal | None:
        if not self.processes.first:
            return None
        return Journal(self.out, self.step, self.total, self.order.an_epoch)

    def _whole(self) -> nn.Module:
        """The learner, with gradients averaged over the processes. Some weights may have no part in
        a step: neurons that were not chosen, norms that a head passes by.
        """
        if self.processes.count == 1:
            return self.learner
        return DistributedDataParallel(
            self.learner,
            device_ids=[self.device] if self.device.type == "cuda" else None,
            find_unused_parameters=True,
            broadcast_buffers=False,  # share_statistics keeps them alike
        )

    def _batches(self, order: Order) -> Iterator[Batch]:
        loader = DataLoader(
            SeededItems(self.data, self.seed, order.stream),
            batch_sampler=order.between(self.step, self.total),
            num_workers=self.config.workers,
            pin_memory=self.device.type == "cuda",
            generator=torch.Generator().manual_seed(self.seed),
        )
        for batch in loader:
            yield [part.to(self.device, non_blocking=True) for part in batch]

    def _mixed(self) -> torch.autocast:
        kind = PRECISIONS[self.config.precision]
        mixed = kind != torch.float32
        return torch.autocast(self.device.type, kind if mixed else None, enabled=mixed)

    def _learn(self, whole: nn.Module, parts: list[Batch], means: Means) -> None:
        """One step of the optimiser, on everything or, where deciding is apart, on the rest."""
        self.steps.zero_grad(set_to_none=True)
        for number, batch in enumerate(parts):
            last = number == len(parts) - 1
            alone = whole.no_sync() if self.processes.count > 1 and not last else nullcontext()
            with alone:
                with self._mixed():
                    terms = whole(*batch)
                    loss = sum(terms.values())
                self.scaler.scale(loss / len(parts)).backward()
            means.add([*terms.items(), ("loss", loss)], 1 / len(parts))
        if self.apart:
            self._forget(self._upstream())
        self.scaler.unscale_(self.steps)
        if self.config.clip:
            parameters = [p for group in self.steps.param_groups for p in group["params"]]
            norm = nn.utils.clip_grad_norm_(parameters, self.config.clip)
            # The scaler passes by a step that overflows, and takes a smaller scale.
            if not self.scaler.is_enabled() or norm.isfinite():
                means.add([("gradient", norm)])
        self.scaler.step(self.steps)
        self.scaler.update()
        self.schedule.step()
        for bank in self.banks:
            bank.step()
        share_statistics(self.learner, self.processes)

    def _upstream(self) -> list[nn.Parameter]:
        return [p for neck in self.necks for p in neck.upstream()]

    @staticmethod
    def _forget(parameters: list[nn.Parameter]) -> None:
        for parameter in parameters:
            parameter.grad = None

    def _deciding(self) -> UpstreamDownstream:
        return UpstreamDownstream(
            self.learner, self._upstream(), self.config.simulated_lr, average=self.processes.average
        )

    def _decide(self, deciding: UpstreamDownstream, batch: Batch, other: Batch) -> None:
        """Steps 1 and 2 of upstream-downstream learning, in full precision: what the meta step
        divides by is too small for any other.
        """
        deciding.alpha = self.config.simulated_lr or self.schedule.get_last_lr()[0]

        def loss(of: Batch) -> Callable[[], Tensor]:
            return lambda: sum(self.learner(*of).values())

        found = deciding.upstream_gradient(loss(batch), loss(other))
        self.steps.zero_grad(set_to_none=True)
        for parameter, gradient in zip(deciding.upstream, found, strict=True):
            parameter.grad = gradient
        self.steps.step()

    def _tell(self, journal: Journal | None, means: Means) -> None:
        if self.step % self.config.log == 0 or self.step == self.total:
            found = means.taken()
            if not all(torch.tensor(list(found.values())).isfinite()):
                raise FloatingPointError(f"step {self.step}: losses are not finite: {found}")
            if journal:
                rates = {g["name"]: g["lr"] for g in self.steps.param_groups}
                journal.wrote(self.step, found, rates)
        if journal:
            journal.moved()
        if self.step % self.order.an_epoch == 0:
            for neck in self.necks:
                usage = self.processes.total(neck.usage())
                if journal:
                    journal.neurons(self.step, usage)
                neck.forget_usage()

    def _validated(self, journal: Journal | None) -> None:
        if self.validate is None:
            return
        self.learner.eval()
        with without_trace(self.learner):
            result = self.validate()
        self.learner.train()
        if journal:
            journal.validated(self.step, result)

    def _run(self) -> dict[str, Any]:
        """What must be the same for a state to be taken up."""
        return {
            **{key: value for key, value in asdict(self.config).items() if key != "workers"},
            "seed": self.seed,
            "processes": self.processes.count,
            "clips": len(self.data),
            **self.subject,
        }

    def _store(self) -> None:
        generators = self.processes.gather(random_state())
        if not self.processes.first:
            return
        write(
            {
                "run": self._run(),
                "step": self.step,
                "learner": self.learner.state_dict(),
                "optimiser": self.steps.state_dict(),
                "schedule": self.schedule.state_dict(),
                "scaler": self.scaler.state_dict(),
                "generators": generators,
            },
            self.out / STATE,
        )

    def _restore(self) -> None:
        state = read(self.out / STATE, self._run())
        self.step = state["step"]
        self.learner.load_state_dict(state["learner"])
        self.steps.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.scaler.load_state_dict(state["scaler"])
        set_random_state(state["generators"][self.processes.rank])
