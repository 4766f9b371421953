"""DSTS (dynamic spatio-temporal specialisation): layers of specialised neurons of which one works
on a clip, and the learning that separates deciding from processing.

Each module holds one idea of the paper (ECCV 2022, arXiv 2209.01425). A choice that the paper
leaves open is marked ``[choice]``.
"""

from .learning import UpstreamDownstream
from .neck import SpecialisationNeck

__all__ = ["SpecialisationNeck", "UpstreamDownstream"]
