"""What a trained video network is worth: scores by each paper's protocol, tables and plots."""

from .predict import Predictions, predict
from .scores import scores

__all__ = ["Predictions", "predict", "scores"]
