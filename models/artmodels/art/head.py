"""The ART head over cached tokens of T frames."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..config import BankConfig, EncoderConfig, HeadConfig
from ..labels import Attributes
from ..temporal import FrameReadout, GlobalBranch, GlobalOutput, TokenContext
from .bank import SemanticsBank
from .regions import RegionActivation
from .semantics import RegionQueries, SemanticEnhancement
from .tracking import follow
from .tracklets import attention_boxes

LEARNED_DEVIATION = 0.1  # of learned queries at the start, that of the prompts


class ClassScores(nn.Module):
    """A linear classifier, optionally plus the sum of the scores of a class's attribute values.

    The paper has the linear part only; the attribute part shares what classes have in common (a
    forward and a back pike are both pikes). ``forward`` gives class logits ``[B, N]`` and attribute
    logits ``[B, A]`` (or None).
    """

    def __init__(
        self, width: int, classes: int, dropout: float, attributes: Attributes | None
    ) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(width, classes)
        self.attribute = nn.Linear(width, sum(attributes.sizes)) if attributes else None
        self.register_buffer(
            "incidence", attributes.incidence(classes) if attributes else None, persistent=False
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        x = self.dropout(x)
        logits = self.linear(x)
        if self.attribute is None:
            return logits, None
        scores = self.attribute(x)
        return logits + scores @ self.incidence, scores


@dataclass
class ArtOutput:
    """Everything that losses and exports read."""

    logits: Tensor  # [B, N] final prediction (eq. 11)
    attributes: Tensor | None  # [B, A] attribute logits of the final prediction
    attention: Tensor  # [B, K, T, h, w]
    boxes: Tensor  # [B, K, T, 4] cxcywh
    relevance: Tensor  # [B, K, T], sums to 1 over T
    queries: Tensor  # [B, K] class ids of the text queries
    responses: Tensor  # [B, T, K, C]
    whole: GlobalOutput


class TextSemantics(nn.Module):
    """The bank with the projections into the text space and out of it.

    ``query`` says what region queries start from: ``text``, the bank's entries; ``random``, vectors
    without meaning that stand for the same entries; ``learned``, ``count`` learned vectors that are
    the same for every video. The bank and its losses stay in each of them.
    """

    def __init__(
        self,
        bank: Tensor,
        video_width: int,
        width: int,
        count: int,
        config: BankConfig,
        query: str = "text",
    ) -> None:
        super().__init__()
        if query not in ("text", "random", "learned"):
            raise ValueError(f"query '{query}': known are text, random, learned")
        if count > bank.shape[1]:
            raise ValueError(f"{count} queries are more than the {bank.shape[1]} classes")
        self.count = count
        self.query = query
        self.bank = SemanticsBank(bank, config.momentum, config.temperature, config.tuned)
        self.to_text = nn.Linear(video_width, bank.shape[2])
        if query == "learned":
            self.learned = nn.Parameter(torch.randn(count, width) * LEARNED_DEVIATION)
            return
        self.from_text = nn.Linear(bank.shape[2], width)
        if query == "random":
            self.register_buffer("random", F.normalize(torch.randn(bank.shape), dim=-1))

    def entries(self) -> Tensor:
        """What a query may start from, in the text space, ``[P, N, D]``."""
        return self.random if self.query == "random" else self.bank.slow

    def forward(self, video: Tensor) -> tuple[Tensor, Tensor | None]:
        """``S_topk [B, K, C]`` for ``x_cls [B, E]``, and the class ids of its entries where they
        have any.
        """
        if self.query == "learned":
            zero = video.detach()[:, :1, None].clamp(0, 0)  # its length is no constant of a graph
            return self.learned + zero, None
        flat, ids = self.bank.select(self.to_text(video), self.count)
        return self.from_text(self.entries().flatten(0, 1)[flat]), ids

    def losses(self, video: Tensor, target: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        """``L_video`` and ``L_prot`` (eqs. 13 to 16) for ``x_cls [B, E]``, ``target [B, N]`` and
        the weights ``classes [N, E]`` of the classifier of eq. 10, which are the class prototypes,
        gradient cut ``[choice]``.
        """
        prototypes = self.to_text(classes.detach())
        return self.bank.consistency(self.to_text(video), target, prototypes)


class ArtHead(nn.Module):
    """``tokens [B, T, C, h, w]`` -> class scores and tracklets.

    ``bank [P, N, D]`` holds text embeddings of N classes, the background among them.
    """

    def __init__(
        self,
        channels: int,
        grid: int,
        frames: int,
        bank: Tensor,
        attributes: Attributes | None = None,
        encoder: EncoderConfig | None = None,
        head: HeadConfig | None = None,
        bank_config: BankConfig | None = None,
    ) -> None:
        super().__init__()
        encoder, head, bank_config = (
            encoder or EncoderConfig(),
            head or HeadConfig(),
            bank_config or BankConfig(),
        )
        self.config = head
        self.grid = grid
        classes = bank.shape[1]
        attributes = attributes if head.factored else None
        self.semantics = TextSemantics(bank, encoder.width, head.width, head.queries, bank_config)
        self.whole = GlobalBranch(channels, grid, frames, encoder, head)
        self.readout = FrameReadout(encoder.width)
        self.embedded_readout = FrameReadout(encoder.width)
        self.tokens = TokenContext(channels, grid, frames, encoder.width, head.width)
        sizes = (head.width, head.inner, head.heads, head.hidden)
        self.enhance = SemanticEnhancement(*sizes, head.enhance_layers, head.region_dropout)
        self.query = RegionQueries(head.queries, head.width)
        self.regions = RegionActivation(*sizes, head.region_layers, head.region_dropout)
        self.head_video = ClassScores(encoder.width, classes, head.classifier_dropout, attributes)
        self.head_final = ClassScores(
            encoder.width + head.queries * head.width, classes, head.classifier_dropout, attributes
        )

    def forward(self, tokens: Tensor) -> ArtOutput:
        whole = self.whole(tokens)
        semantics, ids = self.semantics(whole.video)
        x = self.tokens(tokens, whole.frames)
        tracks = follow(
            x,
            semantics,
            self.enhance,
            self.query,
            self.regions,
            self.config.saliency_temperature,
        )
        attention = tracks.attention.unflatten(-1, (self.grid, self.grid))
        joined = torch.cat([whole.video, tracks.tracklets.flatten(1)], dim=-1)
        logits, attributes = self.head_final(joined)
        boxes = attention_boxes(attention, self.config.box_threshold, self.config.box_extent)
        return ArtOutput(
            logits, attributes, attention, boxes, tracks.relevance, ids, tracks.responses, whole
        )

    @torch.no_grad()
    def start_final(self) -> None:
        """Let the final classifier begin as eq. 10's, tracklets at zero: for joint training after
        the global branch's own.
        """
        for name, value in self.head_video.state_dict().items():
            own = self.head_final.get_parameter(name)
            own.zero_()
            own[..., : value.shape[-1]] = value

    def video_scores(self, whole: GlobalOutput) -> tuple[Tensor, Tensor | None]:
        """Eq. 10's prediction from ``x_cls`` alone, and its attribute logits."""
        return self.head_video(whole.video)

    def semantic_losses(self, whole: GlobalOutput, target: Tensor) -> tuple[Tensor, Tensor]:
        """``L_video`` and ``L_prot`` of the global branch."""
        return self.semantics.losses(whole.video, target, self.head_video.linear.weight)
