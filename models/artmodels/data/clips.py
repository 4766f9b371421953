"""Data sets of PyTorch over a listing: augmented clips to train on, views of videos to test."""

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from .config import AugmentConfig, SamplingConfig, ViewsConfig
from .frames import UnreadableError, opened
from .listing import Listing, Sample
from .pictures import crops, cut, scaled, training_box
from .sampling import sample
from .sides import flipped, twins
from .unreadable import Unreadable

IN_A_ROW = 64  # clips that cannot be read one after another: then something else is wrong
LEFT_OUT = -1  # label of a test video that could not be read


def span(clip: Sample, count: int) -> tuple[int, int]:
    """First frame and number of frames of a clip in a video of ``count`` frames."""
    end = count if clip.end is None else min(clip.end, count)
    if end <= clip.first:
        raise UnreadableError(clip.path, f"no frame {clip.first}: it has {count}")
    return clip.first, end - clip.first


class TrainClips(Dataset):
    """``listing`` as clips ``[T, S, S, 3]`` uint8 RGB with labels, augmented at random.

    In place of a clip that cannot be read the next one of the listing is taken, so that an item
    depends on nothing but its number and the random numbers that PyTorch's generator gives.
    """

    def __init__(
        self,
        listing: Listing,
        frames: int,
        size: int,
        sampling: SamplingConfig,
        augment: AugmentConfig,
        unreadable: Unreadable,
    ) -> None:
        self.listing, self.frames, self.size = listing, frames, size
        self.sampling, self.augment, self.unreadable = sampling, augment, unreadable
        self.twins = twins(listing.names)

    def __len__(self) -> int:
        return len(self.listing.samples)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        seed = int(torch.randint(2**62, ()))
        tries = min(len(self), IN_A_ROW)
        for further in range(tries):
            clip = self.listing.samples[(index + further) % len(self)]
            try:
                return self._clip(clip, np.random.default_rng([seed, further]))
            except UnreadableError as error:
                self.unreadable.note(error)
                last = error
        raise RuntimeError(
            f"{tries} clips in a row cannot be read, the last is {last}. "
            "Are the videos where the recipe's [dataset] says, below the given root?"
        )

    def _clip(self, clip: Sample, rng: np.random.Generator) -> tuple[Tensor, int]:
        video = opened(clip.path)
        first, count = span(clip, video.count)
        frames = video.take(first + sample(self.sampling, count, self.frames, rng))
        frames = scaled(frames, self.augment.resize)
        frames = cut(frames, training_box(frames, self.size, self.augment, rng), self.size)
        mirror, label = flipped(clip.label, self.augment.flip, self.twins, rng.random())
        if mirror:
            frames = frames[:, :, ::-1]
        return torch.from_numpy(np.ascontiguousarray(frames)), label


class TestClips(Dataset):
    """``listing`` as views ``[clips * crops, T, S, S, 3]`` uint8 RGB of each video, with labels.

    A video that cannot be read has views of zeros and the label ``LEFT_OUT``.
    """

    __test__ = False  # no test, whatever its name begins with

    def __init__(
        self,
        listing: Listing,
        frames: int,
        size: int,
        sampling: SamplingConfig,
        views: ViewsConfig,
        unreadable: Unreadable,
    ) -> None:
        self.listing, self.frames, self.size = listing, frames, views.size or size
        self.sampling, self.views, self.unreadable = sampling, views, unreadable

    def __len__(self) -> int:
        return len(self.listing.samples)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        clip = self.listing.samples[index]
        try:
            return torch.from_numpy(self._views(clip)), clip.label
        except UnreadableError as error:
            self.unreadable.note(error)
        count = self.views.clips * self.views.crops
        shape = (count, self.frames, self.size, self.size, 3)
        return torch.zeros(shape, dtype=torch.uint8), LEFT_OUT

    def _views(self, clip: Sample) -> np.ndarray:
        video, clips = opened(clip.path), self.views.clips
        first, count = span(clip, video.count)
        numbers = [
            first + sample(self.sampling, count, self.frames, None, number, clips)
            for number in range(clips)
        ]
        frames = scaled(video.take(np.concatenate(numbers)), self.views.resize)
        views = crops(frames, self.views.crops, self.size)
        return np.concatenate([view.reshape(clips, self.frames, *view.shape[1:]) for view in views])
