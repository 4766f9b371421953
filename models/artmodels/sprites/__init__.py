"""Moving sprites: three tiny tasks, each of which asks for one thing that a network may lack."""

from .tasks import CLASSES, clips

__all__ = ["CLASSES", "clips"]
