"""ART (Action-Region Tracking): a head that follows text-queried regions through a window of
frames.

Each module holds one idea of the paper (IEEE TNNLS, DOI 10.1109/TNNLS.2025.3602089); equation
numbers in the docstrings follow the paper's order. A choice that the paper leaves open is marked
``[choice]``.
"""

from .head import ArtHead, ArtOutput

__all__ = ["ArtHead", "ArtOutput"]
