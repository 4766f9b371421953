"""The text-constrained semantics bank: selection, consistency losses and update (eqs. 12 to 17)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..precision import in_full
from .losses import soft_cross_entropy


def winners(similarity: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The ``count`` best classes of ``similarity [B, P, N]``, each by its best prompt.

    Returns the flat number ``prompt * N + class`` of each winner and its class, ``[B, count]``.
    """
    best, prompt = similarity.max(dim=1)
    classes = best.topk(count, dim=-1).indices
    total = int(similarity.shape[2])  # a constant of a graph
    return torch.gather(prompt, 1, classes) * total + classes, classes


class SemanticsBank(nn.Module):
    """A slow bank S without gradient and an agent copy S_a that learns through L_sema only.

    ``embeddings [P, N, D]``: P prompt templates, N classes, text width D. At inference only S is
    read, and no text encoder is run. Without ``tuned`` there is no agent: S stays S_0, and L_sema
    reaches the projections around it alone (the paper's ablation).
    """

    def __init__(
        self,
        embeddings: Tensor,
        momentum: float = 0.999,
        temperature: float = 0.07,
        tuned: bool = True,
    ) -> None:
        super().__init__()
        unit = F.normalize(embeddings.float(), dim=-1)
        self.momentum = momentum
        self.temperature = temperature
        self.register_buffer("slow", unit.clone())
        self.agent = nn.Parameter(unit.clone()) if tuned else None

    @staticmethod
    @in_full
    def similarities(bank: Tensor, vectors: Tensor) -> Tensor:
        """Cosine of ``vectors [B, D]`` to every entry of a bank of unit vectors ``[P, N, D]``,
        ``[B, P, N]``. Always in full precision: texts of fine-grained classes lie close together.
        """
        return torch.einsum("bd,pnd->bpn", F.normalize(vectors, dim=-1), bank)

    def select(self, video: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """The ``count`` best classes for ``video [B, D]`` and the winning prompt of each.

        Ranked by the slow bank with the gradient cut ``[choice]``: the video's own representation
        decides in training too, never the label. Returns flat numbers of entries and class ids,
        ``[B, K]`` each.
        """
        return winners(self.similarities(self.slow, video.detach()), count)

    def consistency(
        self, video: Tensor, target: Tensor, prototypes: Tensor
    ) -> tuple[Tensor, Tensor]:
        """``L_video`` (eqs. 13-14) and ``L_prot`` (eqs. 15-16) on the agent bank, winner takes all
        over prompts; on the slow one where there is no agent.

        ``video [B, D]`` and ``prototypes [N, D]`` are already in the text space; ``target [B, N]``
        is a distribution.
        """
        agent = self.slow if self.agent is None else F.normalize(self.agent, dim=-1)
        by_video = self.similarities(agent, video).amax(1) / self.temperature
        by_class = self.similarities(agent, prototypes).amax(1) / self.temperature
        identity = torch.arange(len(prototypes), device=by_class.device)
        return soft_cross_entropy(by_video, target), F.cross_entropy(by_class, identity)

    @torch.no_grad()
    def step(self) -> None:
        """Eq. 12: ``S <- mu S + (1 - mu) S_a``, after the optimiser has moved ``S_a``.

        Entries are brought back to unit length: only their direction is ever read ``[choice]``. A
        bank that is not tuned stays as it is.
        """
        if self.agent is None:
            return
        moved = torch.lerp(self.slow, F.normalize(self.agent, dim=-1), 1 - self.momentum)
        self.slow.copy_(F.normalize(moved, dim=-1))
