"""TCM (temporal correlation module): displacements at a fast and a slow tempo, put into any
convolutional network as one residual block.

Each module holds one idea of the paper (IEEE TIP 2022, DOI 10.1109/TIP.2022.3180585), as its
8-frame Something-Something system has it. A choice that stays open is marked ``[choice]``.
"""

from .block import TemporalCorrelation

__all__ = ["TemporalCorrelation"]
