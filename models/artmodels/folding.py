"""The trained head in the form that its graphs have: the same numbers at less cost.

Each module is made from a trained one, states the identity that it stands on, and can be turned
back: ``onto`` sets a trained module to weights that compute the same.
"""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .art.bank import winners
from .art.head import ArtHead, TextSemantics
from .art.tracklets import attention_boxes
from .layers import CrossLayer, SelfLayer
from .temporal import GlobalBranch, TokenContext


def by_head(linear: nn.Linear, heads: int) -> Tensor:
    """Weights of a projection ``[h, C, d]``: ``x @ w`` is one head's part, without a transpose."""
    return linear.weight.detach().unflatten(0, (heads, -1)).transpose(1, 2).contiguous()


def unit(x: Tensor) -> Tensor:
    """Vectors at length 1, without the dynamic shapes that ``F.normalize`` has in a graph."""
    return x / x.norm(dim=-1, keepdim=True).clamp(min=1e-12)


def factors(products: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """``[h, C, C]`` of a rank -> ``[h, C, rank]`` and ``[h, rank, C]`` whose products they are."""
    left, values, right = torch.linalg.svd(products)
    root = values[:, :rank].sqrt()
    return left[..., :rank] * root.unsqueeze(1), root.unsqueeze(2) * right[:, :rank]


class FoldedSemantics(nn.Module):
    """The selection of ``S_topk`` with the slow bank multiplied into the projections around it.

    The text width disappears: 0.6 MB less in each graph.
    Dropping the norm of the projected video changes no rank.
    """

    def __init__(self, semantics: TextSemantics) -> None:
        super().__init__()
        slow = semantics.bank.slow
        self.count = semantics.count
        self.shape = slow.shape[:2]
        flat = slow.flatten(0, 1)
        self.register_buffer("rank", flat @ semantics.to_text.weight.detach())
        self.register_buffer("offset", flat @ semantics.to_text.bias.detach())
        self.register_buffer(
            "entries", semantics.from_text(semantics.entries()).detach().flatten(0, 1)
        )

    def forward(self, video: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`TextSemantics.forward`."""
        similarity = F.linear(video, self.rank, self.offset).reshape(-1, *self.shape)
        flat, classes = winners(similarity, self.count)
        return self.entries[flat], classes


class FoldedSelf(nn.Module):
    """:class:`SelfLayer` over sequences of ``length`` rows, all below one another:
    ``[N * length, C]`` -> the same.

    The scale of the scores is in the query's weights. The key's bias adds the same to all scores of
    a query, so the softmax takes no notice of it; the weights sum to 1, so the value's bias passes
    through to the output's. The query's bias is repeated for each row: short rows are added slowly.
    """

    def __init__(self, layer: SelfLayer, length: int) -> None:
        super().__init__()
        attention = layer.attention
        self.length, self.width = length, attention.out.out_features
        self.norm, self.feed = layer.norm, layer.feed
        query = by_head(attention.query, attention.heads)
        self.scale = query.shape[2] ** -0.5
        bias = attention.query.bias.detach().unflatten(0, (attention.heads, 1, -1))
        self.query = nn.Parameter(query * self.scale)
        self.bias = nn.Parameter(bias.repeat(1, length, 1) * self.scale)
        self.key = nn.Parameter(by_head(attention.key, attention.heads))
        self.value = nn.Parameter(by_head(attention.value, attention.heads))
        self.out = copy.deepcopy(attention.out)
        self.out.bias.data += attention.out.weight.detach() @ attention.value.bias.detach()

    def forward(self, x: Tensor) -> Tensor:
        normed = self.norm(x).reshape(-1, 1, self.length, self.width)
        query, key, value = normed @ self.query + self.bias, normed @ self.key, normed @ self.value
        weights = torch.softmax(query @ key.transpose(2, 3), dim=-1)
        mixed = (weights @ value).transpose(1, 2).reshape(-1, self.out.in_features)
        x = x + self.out(mixed)
        return x + self.feed(x)

    @torch.no_grad()
    def onto(self, layer: SelfLayer) -> None:
        """The inverse, with key and value without a bias."""
        attention = layer.attention
        for name, weight in (
            ("query", self.query / self.scale),
            ("key", self.key),
            ("value", self.value),
        ):
            linear = attention.get_submodule(name)
            linear.weight.copy_(weight.transpose(1, 2).flatten(0, 1))
            linear.bias.zero_()
        attention.query.bias.copy_(self.bias[:, 0].flatten() / self.scale)
        attention.out.load_state_dict(self.out.state_dict())
        layer.norm.load_state_dict(self.norm.state_dict())
        layer.feed.load_state_dict(self.feed.state_dict())


class FoldedCross(nn.Module):
    """:class:`CrossLayer`: ``queries [N * K, C]`` read ``context [N, P, C]``, which is normalised
    without an affine part; also returns the weights ``[N, K, h, P]``.

    By associativity the context is never projected: ``q . (W_k x) = (W_k' q) . x`` and ``sum a
    (W_v x) = W_v (sum a x)``. Each head's ``W_k' W_q`` and ``W_o W_v`` are one matrix, and the
    affine part of the context's norm is in them, where its shift acts as a bias of key and value:
    see :class:`FoldedSelf`.
    """

    def __init__(self, layer: CrossLayer, queries: int, places: int) -> None:
        super().__init__()
        attention, outer = layer.attention, layer.context_norm
        self.queries, self.places, self.heads = queries, places, attention.heads
        self.rank = attention.query.out_features // attention.heads
        self.scale = self.rank**-0.5
        self.norm, self.feed = layer.norm, layer.feed
        self.width = width = attention.out.out_features
        shape = (self.heads, self.rank, -1)
        query, key, value = (
            linear.weight.detach().reshape(shape)
            for linear in (attention.query, attention.key, attention.value)
        )
        gain = outer.weight.detach()
        asking = (key * gain * self.scale).transpose(1, 2)  # [h, C, d]
        self.ask = nn.Linear(width, self.heads * width)
        self.ask.weight.data = (asking @ query).flatten(0, 1)
        bias = attention.query.bias.detach().reshape(self.heads, self.rank, 1)
        self.ask.bias.data = (asking @ bias).flatten()
        telling = attention.out.weight.detach().reshape(width, self.heads, -1).transpose(0, 1)
        self.tell = nn.Linear(self.heads * width, width)
        self.tell.weight.data = (telling @ (value * gain)).transpose(0, 1).flatten(1)
        shift = attention.value(outer.bias).detach()
        self.tell.bias.data = attention.out(shift).detach()

    def forward(self, queries: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        asked = self.ask(self.norm(queries)).reshape(-1, self.queries * self.heads, self.width)
        weights = torch.softmax(asked @ context.transpose(1, 2), dim=-1)
        mixed = (weights @ context).reshape(-1, self.heads * self.width)
        queries = queries + self.tell(mixed)
        weights = weights.reshape(-1, self.queries, self.heads, self.places)
        return queries + self.feed(queries), weights

    @torch.no_grad()
    def onto(self, layer: CrossLayer) -> None:
        """The inverse, with key and value without a bias and a context norm without affine part;
        the two factors of a product share its scale.
        """
        attention, width = layer.attention, self.width
        asking, query = factors(self.ask.weight.reshape(self.heads, width, width), self.rank)
        bias = torch.linalg.lstsq(asking, self.ask.bias.reshape(self.heads, width, 1)).solution
        telling = self.tell.weight.reshape(width, self.heads, width).transpose(0, 1)
        telling, value = factors(telling, self.rank)
        for name, weight in (
            ("query", query / self.scale),
            ("key", asking.transpose(1, 2)),
            ("value", value),
        ):
            linear = attention.get_submodule(name)
            linear.weight.copy_(weight.flatten(0, 1))
            linear.bias.zero_()
        attention.query.bias.copy_(bias.flatten() / self.scale)
        attention.out.weight.copy_(telling.transpose(0, 1).flatten(1))
        attention.out.bias.copy_(self.tell.bias)
        layer.context_norm.weight.fill_(1)
        layer.context_norm.bias.zero_()
        layer.norm.load_state_dict(self.norm.state_dict())
        layer.feed.load_state_dict(self.feed.state_dict())


class FoldedFrame(nn.Module):
    """What the head computes of one frame alone, to be done once a sample: ``tokens [N, C, h, w]``
    -> ``places [N, h*w, D]``, projected tokens with their places, and ``embedding [N, E]``.

    Two 1x1 convolutions of the same maps are one. A learned place is the same in all frames, so it
    has no part in their change and can be added before it.
    """

    def __init__(self, head: ArtHead) -> None:
        super().__init__()
        context, embedding = head.tokens, copy.deepcopy(head.whole.embedding)
        project, planes = context.project, embedding.planes[0]
        self.width = project.out_features
        self.maps = nn.Conv2d(planes.in_channels, self.width + planes.out_channels, 1)
        projection = project.weight.detach()[..., None, None]
        self.maps.weight.data = torch.cat([projection, planes.weight.detach()])
        self.maps.bias.data = torch.cat([project.bias.detach(), planes.bias.detach()])
        self.place = nn.Parameter(context.place.detach().T.contiguous())
        self.embed, self.norm = embedding.embed, embedding.norm

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.maps(tokens)
        places = maps[:, : self.width].reshape(-1, *self.place.shape) + self.place
        planes = F.gelu(maps[:, self.width :]).reshape(-1, self.embed.in_features)
        return places.transpose(1, 2), self.norm(self.embed(planes))

    @torch.no_grad()
    def onto(self, head: ArtHead) -> None:
        """The inverse."""
        context, embedding = head.tokens, head.whole.embedding
        context.project.weight.copy_(self.maps.weight[: self.width, :, 0, 0])
        context.project.bias.copy_(self.maps.bias[: self.width])
        context.place.copy_(self.place.T)
        embedding.planes[0].weight.copy_(self.maps.weight[self.width :])
        embedding.planes[0].bias.copy_(self.maps.bias[self.width :])
        embedding.embed.load_state_dict(self.embed.state_dict())
        embedding.norm.load_state_dict(self.norm.state_dict())


class FoldedGlobal(nn.Module):
    """:class:`GlobalBranch` behind its frame embedding: ``[N, T, E]`` -> ``x_cls [N, E]`` and
    frames in temporal context, ``[N * T, E]``.

    A convolution over three neighbours is a linear layer of the three side by side.
    """

    def __init__(self, branch: GlobalBranch) -> None:
        super().__init__()
        before, _, after = branch.motion
        self.frames = len(branch.position) - 1
        self.width = before.in_channels
        self.motion = nn.Sequential(
            nn.Linear(3 * self.width, self.width), nn.GELU(), nn.Linear(self.width, self.width)
        )
        self.motion[0].weight.data = before.weight.detach().transpose(1, 2).flatten(1)
        self.motion[2].weight.data = after.weight.detach().squeeze(2)
        self.motion[0].bias, self.motion[2].bias = before.bias, after.bias
        self.position = branch.position
        self.layers = nn.ModuleList(FoldedSelf(one, 1 + self.frames) for one in branch.layers)
        self.norm, self.rotation, self.count = branch.norm, branch.rotation, branch.count

    def forward(self, embedding: Tensor) -> tuple[Tensor, Tensor]:
        padded = F.pad(embedding, (0, 0, 1, 1))
        neighbours = torch.cat([padded[:, :-2], embedding, padded[:, 2:]], dim=2)
        motion = self.motion(neighbours.reshape(-1, 3 * self.width))
        x = embedding + motion.reshape(-1, self.frames, self.width)
        x = (F.pad(x, (0, 0, 1, 0)) + self.position).reshape(-1, self.width)
        for layer in self.layers:
            x = layer(x)
        x = self.norm(x).reshape(-1, 1 + self.frames, self.width)
        video, x = x[:, 0], x[:, 1:].reshape(-1, self.width)
        if self.count is not None:
            turns = self.rotation(x).reshape(-1, self.frames, 2)
            somersault, twist = turns.sum(1).split(1, dim=1)
            whole = turns.abs().sum((1, 2)).unsqueeze(1)
            video = video + self.count(torch.cat([somersault, twist.abs(), whole], dim=1))
        return video, x

    @torch.no_grad()
    def onto(self, branch: GlobalBranch) -> None:
        """The inverse."""
        first = self.motion[0].weight.unflatten(1, (3, self.width)).transpose(1, 2)
        branch.motion[0].weight.copy_(first)
        branch.motion[2].weight.copy_(self.motion[2].weight.unsqueeze(2))
        for at in (0, 2):
            branch.motion[at].bias.copy_(self.motion[at].bias)
        branch.position.copy_(self.position)
        for own, layer in zip(self.layers, branch.layers, strict=True):
            own.onto(layer)
        for name in ("norm", "rotation", "count"):
            if (own := getattr(self, name)) is not None:
                getattr(branch, name).load_state_dict(own.state_dict())


class FoldedContext(nn.Module):
    """:class:`TokenContext` behind its projection: ``places [N, T, P, D]`` and the frames in
    temporal context, ``[N * T, E]`` -> ``[N * T, P, D]``.

    Motion excitation is a weighted sum of a frame and its two neighbours, the ends being their own.
    """

    def __init__(self, context: TokenContext) -> None:
        super().__init__()
        before, after = context.before.detach(), context.after.detach()
        places, self.width = context.place.shape
        self.frames = len(context.time)
        for name, weight in (
            ("earlier", -before),
            ("present", 1 + before - after),
            ("later", after),
        ):
            self.register_parameter(name, nn.Parameter(weight.repeat(places, 1)))
        at = torch.arange(self.frames)
        self.register_buffer("last", (at - 1).clamp(min=0), persistent=False)
        self.register_buffer("next", (at + 1).clamp(max=self.frames - 1), persistent=False)
        self.time, self.context, self.norm = context.time, context.context, context.norm

    def forward(self, places: Tensor, frames: Tensor) -> Tensor:
        earlier, later = places[:, self.last], places[:, self.next]
        x = earlier * self.earlier + places * self.present + later * self.later
        moment = self.context(frames).reshape(-1, self.frames, 1, self.width) + self.time
        return self.norm((x + moment).reshape(-1, *self.present.shape))

    @torch.no_grad()
    def onto(self, context: TokenContext) -> None:
        """The inverse, but for projection and places."""
        context.before.copy_(-self.earlier[0])
        context.after.copy_(self.later[0])
        context.time.copy_(self.time)
        context.context.load_state_dict(self.context.state_dict())
        context.norm.load_state_dict(self.norm.state_dict())


class FoldedHead(nn.Module):
    """:class:`ArtHead` behind :class:`FoldedFrame`: ``places [N, T, P, D]`` and ``embedding
    [N, T, E]`` -> logits, boxes, relevance, attention and queries, the outputs of a manifest.

    All layers of the region queries read the same enhanced tokens, normalised once.
    """

    def __init__(self, head: ArtHead) -> None:
        super().__init__()
        head = copy.deepcopy(head)
        self.config, self.grid = head.config, head.grid
        self.places, self.width = head.tokens.place.shape
        self.frames = len(head.tokens.time)
        length, count = self.places + self.config.queries, self.config.queries
        self.whole = FoldedGlobal(head.whole)
        self.semantics = FoldedSemantics(head.semantics)
        self.tokens = FoldedContext(head.tokens)
        self.enhance = nn.ModuleList(FoldedSelf(one, length) for one in head.enhance.layers)
        self.prompts = head.query.prompts
        sizes = (count, self.places)
        self.regions = nn.ModuleList(FoldedCross(one, *sizes) for one in head.regions.layers)
        self.norm = head.regions.norm
        self.eps = head.regions.layers[0].context_norm.eps
        self.head_final = head.head_final

    def forward(self, places: Tensor, embedding: Tensor) -> tuple[Tensor, ...]:
        count, frames, width = self.config.queries, self.frames, self.width
        video, moments = self.whole(embedding)
        semantics, ids = self.semantics(video)
        x = self.tokens(places, moments)
        each = semantics.unsqueeze(1).repeat(1, frames, 1, 1).reshape(-1, count, width)
        z = torch.cat([x, each], dim=1).reshape(-1, width)
        for layer in self.enhance:
            z = layer(z)
        z = z.reshape(-1, self.places + count, width)
        context = F.layer_norm(z[:, : self.places], (width,), eps=self.eps)
        queries = (z[:, self.places :] + self.prompts).reshape(-1, width)
        for layer in self.regions:
            queries, weights = layer(queries, context)
        responses = self.norm(queries).reshape(-1, frames, count, width).transpose(1, 2)
        relevance = self._relevance(responses, semantics)
        tracklets = (relevance.unsqueeze(2) @ responses).reshape(-1, count * width)
        logits, _ = self.head_final(torch.cat([video, tracklets], dim=1))
        attention = weights.mean(2).reshape(-1, frames, count, self.places).transpose(1, 2)
        attention = attention.reshape(-1, count, frames, self.grid, self.grid)
        boxes = attention_boxes(attention, self.config.box_threshold, self.config.box_extent)
        return logits, boxes, relevance, attention, ids

    def _relevance(self, responses: Tensor, semantics: Tensor) -> Tensor:
        """Eq. 9's weights as :func:`saliency`, with time last: ``[N, K, T]``."""
        count, frames = self.config.queries, self.frames
        meant = unit(semantics) / self.config.saliency_temperature
        said = unit(responses).reshape(-1, count * frames, self.width)
        similarity = (meant @ said.transpose(1, 2)).reshape(-1, count, count, frames)
        return torch.softmax(similarity, dim=-1).mean(1)

    @torch.no_grad()
    def onto(self, head: ArtHead) -> None:
        """The inverse, but for the text bank, what only training reads, and a frame's part."""
        self.whole.onto(head.whole)
        self.tokens.onto(head.tokens)
        for own, layer in zip(self.enhance, head.enhance.layers, strict=True):
            own.onto(layer)
        for own, layer in zip(self.regions, head.regions.layers, strict=True):
            own.onto(layer)
        head.query.prompts.copy_(self.prompts)
        head.regions.norm.load_state_dict(self.norm.state_dict())
        head.head_final.load_state_dict(self.head_final.state_dict())
