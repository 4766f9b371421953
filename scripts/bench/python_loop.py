"""A clip model on a video as it is written in Python today, with OpenCV or PyAV to read frames.

Prints the best scores of each window. With --tuned, what is rarely written but cheap to write: with
OpenCV, frames that are no sample are decoded only; with PyAV, the decoder has several threads; and
the threads of ONNX Runtime do not spin. With --decode nothing but decoding is done.
"""

import argparse
import json
import tomllib
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np

TOP = 5


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reader", choices=("opencv", "pyav"))
    parser.add_argument("clip", type=Path)
    parser.add_argument("manifest", type=Path, help="manifest of a clip model")
    parser.add_argument("--hop", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--tuned", action="store_true", help="see above")
    parser.add_argument("--decode", action="store_true", help="decode only")
    args = parser.parse_args()
    reader = {"opencv": read_with_opencv, "pyav": read_with_pyav}[args.reader]
    said = tomllib.loads(args.manifest.read_text(encoding="utf-8"))
    if args.decode:
        for _ in reader(args.clip, None, args.tuned):
            pass
        return
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    if args.tuned:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    graph = args.manifest.parent / said["graph"]["file"]
    session = onnxruntime.InferenceSession(graph, options, ["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    frames = said["input"]["frames"]
    window: deque[np.ndarray] = deque(maxlen=frames)
    for number, picture in enumerate(reader(args.clip, said["input"]["fps"], args.tuned)):
        window.append(prepare(picture, said["input"], blue_first=args.reader == "opencv"))
        past = number + 1 - frames
        if past >= 0 and past % args.hop == 0:
            clip = np.stack(window)[None]
            (logits,) = session.run([said["outputs"]["scores"]["name"]], {name: clip})
            scores = softmax(logits[0])
            best = np.argsort(-scores)[:TOP]
            print(json.dumps({int(label): float(scores[label]) for label in best}))


def read_with_opencv(clip: Path, fps: float | None, tuned: bool) -> Iterator[np.ndarray]:
    """Samples as BGR; without a rate none is taken."""
    import cv2

    capture = cv2.VideoCapture(str(clip))
    if fps is None:
        while capture.grab():
            pass
        return
    step = round(capture.get(cv2.CAP_PROP_FPS) / fps)
    number = 0
    while True:
        sampled = number % step == 0
        there, picture = capture.read() if sampled or not tuned else (capture.grab(), None)
        if not there:
            return
        if sampled:
            yield picture
        number += 1


def read_with_pyav(clip: Path, fps: float | None, tuned: bool) -> Iterator[np.ndarray]:
    """Samples as RGB; without a rate none is taken."""
    import av

    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        if tuned:
            stream.thread_type = "AUTO"
        step = round(float(stream.average_rate) / fps) if fps else 0
        for number, frame in enumerate(container.decode(stream)):
            if step and number % step == 0:
                yield frame.to_ndarray(format="rgb24")


def prepare(picture: np.ndarray, said: dict, blue_first: bool) -> np.ndarray:
    """A picture as the model takes it: size, colours, element type and normalisation."""
    import cv2

    if said["layout"] != "NTHWC" or said.get("color", "rgb") != "rgb":
        raise SystemExit("expected a model that takes RGB in the layout NTHWC")
    width, height = said["width"], said["height"]
    if said.get("resize") == "crop":
        rows, columns = picture.shape[:2]
        scale = min(columns / width, rows / height)
        across, down = round(width * scale), round(height * scale)
        left, top = (columns - across) // 2, (rows - down) // 2
        picture = picture[top : top + down, left : left + across]
    picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    if blue_first:
        picture = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    if "mean" in said:
        picture = (picture - np.array(said["mean"])) / np.array(said["std"])
    return picture.astype(said["dtype"])


def softmax(logits: np.ndarray) -> np.ndarray:
    """Logits as probabilities."""
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


if __name__ == "__main__":
    main()
