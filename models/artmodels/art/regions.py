"""Region-specific semantics activation (eq. 3)."""

from torch import Tensor, nn

from ..layers import CrossLayer


class RegionActivation(nn.Module):
    """Eq. 3: ``R_t = MCA(Q_t, X^_t)``, softmax over the places of one frame.

    The paper runs T modules in parallel, one a frame; their weights are shared here ``[choice]``.
    The attention that is reported is that of the last layer, averaged over heads ``[choice]``.
    """

    def __init__(
        self, width: int, inner: int, heads: int, hidden: int, layers: int, dropout: float
    ) -> None:
        super().__init__()
        if layers < 1:
            raise ValueError("region activation needs at least one layer")
        self.layers = nn.ModuleList(
            CrossLayer(width, inner, heads, hidden, dropout) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, queries: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """``queries [B, K, C]``, ``tokens [B, HW, C]`` -> responses ``[B, K, C]``, attention ``[B,
        K, HW]``.
        """
        for layer in self.layers:
            queries, weights = layer(queries, tokens)
        return self.norm(queries), weights
