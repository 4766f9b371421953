"""How a network is trained: the table ``[fit]`` of a recipe."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FitConfig:
    """Optimiser, schedule and bookkeeping. Lengths of time are in epochs or steps, as stated."""

    epochs: int = 50
    batch: int = 32  # clips of an optimiser step, over all processes and accumulated parts
    accumulate: int = 1  # parts of a step's clips that a process computes one after another
    optimiser: str = "sgd"  # with Nesterov momentum; or "adamw"
    lr: float = 0.01
    momentum: float = 0.9  # sgd
    betas: tuple[float, float] = (0.9, 0.999)  # adamw
    weight_decay: float = 5.0e-4
    schedule: str = "step"  # or "cosine"
    milestones: tuple[float, ...] = (30, 40, 45)  # epochs; step
    gamma: float = 0.1  # factor at each of them
    floor: float = 0.01  # share of the learning rate that a cosine ends at
    warmup: float = 0.0  # epochs of linear warm-up
    clip: float = 0.0  # norm of the gradient; 0: none
    fresh: tuple[str, ...] = ("neck", "head")  # parts of the network whose rate is fresh_lr * lr
    fresh_lr: float = 1.0
    bias_lr: float = 1.0  # factor on the rate of biases
    precision: str = "fp32"  # or "bf16", "fp16": automatic mixed precision
    learning: str = "joint"  # or "upstream-downstream", for a DSTS neck
    simulated_lr: float = 0.0  # its simulated step; 0: the present learning rate
    workers: int = 4  # processes that load clips, for each process that trains; 0: none
    checkpoint: int = 500  # steps between two states to resume from
    log: int = 20  # steps between two entries of the log
    validate: int = 1  # epochs between two validations

    def __post_init__(self) -> None:
        known = {
            "optimiser": ("sgd", "adamw"),
            "schedule": ("step", "cosine"),
            "precision": ("fp32", "bf16", "fp16"),
            "learning": ("joint", "upstream-downstream"),
        }
        for key, values in known.items():
            if getattr(self, key) not in values:
                raise ValueError(f"{key} '{getattr(self, key)}': known are {', '.join(values)}")
        for key in ("epochs", "batch", "accumulate", "checkpoint", "log", "validate"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key} is {getattr(self, key)}, expected at least 1")
        if self.learning == "upstream-downstream" and self.accumulate > 1:
            raise ValueError(
                "upstream-downstream learning takes a batch at once: accumulate must be 1"
            )
