"""What a trainer trains: a module that turns a batch into named losses."""

from torch import Tensor, nn
from torch.nn import functional as F

from ..objective import Terms
from ..video import VideoModel
from ..video.objective import video_terms


class VideoLearner(nn.Module):
    """A video network with its objective: ``(clips, labels)`` -> losses by name, already weighted.

    ``clips [B, T, H, W, 3]`` uint8 frames or, with ``cached``, ``[B, T, ...]`` float features that
    the backbone's frame-wise part gave before. ``labels`` are class ids ``[B]`` or distributions
    ``[B, N]``.
    """

    def __init__(self, model: VideoModel, classes: int, cached: bool = False) -> None:
        super().__init__()
        self.model = model
        self.classes = classes
        self.cached = cached

    def forward(self, clips: Tensor, labels: Tensor) -> Terms:
        output = self.model.over_frames(clips) if self.cached else self.model(clips)
        target = F.one_hot(labels, self.classes).float() if labels.ndim == 1 else labels
        return video_terms(self.model, output, target)
