"""Small trees of files in the official formats of public data sets. Every video is made here: frame
``k`` is a grey of ``BASE + STEP * k`` with a bright bar on the left.
"""

import json
from pathlib import Path

import av
import cv2
import numpy as np

BASE, STEP = 30, 8
HEIGHT, WIDTH = 48, 64


def picture(k: int, height: int = HEIGHT, width: int = WIDTH, bar: int = 250) -> np.ndarray:
    frame = np.full((height, width, 3), BASE + STEP * k, np.uint8)
    frame[:, : width // 8] = bar
    return frame


def number(frames: np.ndarray) -> list[int]:
    """The numbers of decoded frames ``[T, H, W, 3]``, read from their greys right of the bar."""
    grey = np.median(frames[:, :, frames.shape[2] // 4 : -frames.shape[2] // 4], axis=(1, 2, 3))
    return np.rint((grey - BASE) / STEP).astype(int).tolist()


CODECS = {".avi": "mpeg4", ".mp4": "libx264", ".ts": "libx264", ".webm": "libvpx"}


def video(
    path: Path, frames: int = 16, height: int = HEIGHT, width: int = WIDTH, bar: int = 250
) -> None:
    """A file as its suffix says: MPEG-4 with B-frames in AVI, H.264 in MP4 and MPEG-TS, VP8 in
    WebM.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    codec = CODECS[path.suffix]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.bit_rate = 1_000_000
        if codec == "mpeg4":
            stream.codec_context.max_b_frames = 2
        for k in range(frames):
            shown = av.VideoFrame.from_ndarray(picture(k, height, width, bar), format="rgb24")
            container.mux(stream.encode(shown))
        container.mux(stream.encode())


def stream_copy(path: Path, source: Path, after: int) -> None:
    """The MP4 file ``source`` without its first frames, as ffmpeg -ss -c copy writes it.

    Packets that others depend on stay, and an edit list hides them.
    """
    with av.open(str(source)) as whole, av.open(str(path), "w") as part:
        stream = whole.streams.video[0]
        copied = part.add_stream_from_template(stream)
        left_out = int(after / stream.average_rate / stream.time_base)
        for packet in whole.demux(stream):
            if packet.dts is None:
                continue
            packet.pts -= left_out
            packet.dts -= left_out
            packet.stream = copied
            part.mux(packet)


def folder(path: Path, frames: int = 12) -> None:
    path.mkdir(parents=True)
    for k in range(frames):
        cv2.imwrite(str(path / f"{k + 1:05d}.jpg"), picture(k))


def text(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def diving48(root: Path, clips: int = 6) -> None:
    """The classes differ by their bars, bright or dark."""
    words = [["Back", "15som", "05Twis", "FREE"], ["Forward", "1som", "NoTwis", "PIKE"]]
    text(root / "annotations/Diving48_vocab.json", json.dumps(words))
    for part, first in (("train", 0), ("test", clips)):
        entries = []
        for k in range(first, first + clips):
            name = f"-mmq0PT_u8k_{k:05d}"
            video(root / "videos" / f"{name}.mp4", bar=250 if k % 2 else 0)
            entries.append({"vid_name": name, "label": k % 2, "start_frame": 2, "end_frame": 14})
        text(root / f"annotations/Diving48_V2_{part}.json", json.dumps(entries))


def finegym(root: Path) -> None:
    """Video ids hold dashes and underscores, as YouTube's do."""
    elements = {
        "gym99_train_element_v1.0": ["A0xhf_6q2EY_E_005250_005273_A_0001_0003 1"],
        "gym99_train_element_v1.1": [
            "A0xhf_6q2EY_E_005250_005273_A_0001_0003 1",
            "0LtLS9wROrk_E_002407_002435_A_0003_0005 0",
        ],
        "gym99_val_element": ["zfqS-wCJSsw_E_006244_006252_A_0000_0007 1"],
    }
    for name, lines in elements.items():
        text(root / f"annotations/{name}.txt", *lines)
        for line in lines:
            video(root / "videos" / f"{line.split()[0]}.mp4", 8)
    text(
        root / "annotations/gym99_categories.txt",
        "Clabel:  0; set: 1; Glabel:  1; (VT) round-off, flic-flac with 0.5 turn on",
        "Clabel:  1; set: 21; Glabel: 40; (FX) switch leap with 1 turn",
    )


def ntu(root: Path) -> None:
    names = (
        "S001C001P001R001A001",
        "S001C002P003R001A060",
        "S002C003P003R002A002",
        "S018C001P045R001A061",
        "S001C002P005R002A008",
    )
    for name in names:
        video(root / "videos/nturgb+d_rgb" / f"{name}_rgb.avi", 8)
    text(
        root / "annotations/NTU_RGBD_samples_with_missing_skeletons.txt",
        "These are the names of samples with missing skeletons.",
        "S001C002P005R002A008",
    )


def kinetics(root: Path) -> None:
    header = "label,youtube_id,time_start,time_end,split"
    text(
        root / "annotations/train.csv",
        header,
        "riding a bike,_abc-EFG123,3,13,train",
        '"abseiling",0123456789a,10,20,train',
    )
    text(root / "annotations/val.csv", header, "abseiling,zzzzzzzzzzz,107,117,val")
    video(root / "videos/train/riding a bike/_abc-EFG123_000003_000013.mp4", 8)
    video(root / "videos/train/abseiling/0123456789a_000010_000020.mp4", 8)
    video(root / "videos/val/abseiling/zzzzzzzzzzz_000107_000117.mp4", 8)


def something_v1(root: Path) -> None:
    prefix = root / "annotations/something-something-v1-"
    text(
        Path(f"{prefix}labels.csv"),
        "Holding something",
        "Pulling something from right to left",
        "Pulling something from left to right",
    )
    text(
        Path(f"{prefix}train.csv"),
        "100218;Pulling something from right to left",
        "24413;Holding something",
    )
    text(Path(f"{prefix}validation.csv"), "74225;Pulling something from left to right")
    for name in ("100218", "24413", "74225"):
        folder(root / "videos" / name)


def something_v2(root: Path) -> None:
    prefix = root / "annotations/something-something-v2-"
    text(
        Path(f"{prefix}labels.json"),
        json.dumps({"Holding something next to something": "1", "Moving something up": "0"}),
    )
    entries = {
        "train": [
            {
                "id": "78687",
                "label": "holding potato next to bottle",
                "template": "Holding [something] next to [something]",
                "placeholders": ["potato", "bottle"],
            }
        ],
        "validation": [
            {"id": "117478", "label": "moving glass up", "template": "Moving [something] up"}
        ],
    }
    for part, listed in entries.items():
        text(Path(f"{prefix}{part}.json"), json.dumps(listed))
        for entry in listed:
            video(root / "videos" / f"{entry['id']}.webm", 8)


def ucf101(root: Path) -> None:
    text(root / "annotations/classInd.txt", "1 ApplyEyeMakeup", "2 YoYo")
    for split in (1, 2, 3):
        text(
            root / f"annotations/trainlist{split:02d}.txt",
            f"ApplyEyeMakeup/v_ApplyEyeMakeup_g{split:02d}_c01.avi 1",
            f"YoYo/v_YoYo_g{split:02d}_c01.avi 2",
        )
        text(
            root / f"annotations/testlist{split:02d}.txt", f"YoYo/v_YoYo_g0{split % 3 + 1}_c01.avi"
        )
        for name in ("ApplyEyeMakeup", "YoYo"):
            video(root / f"videos/{name}/v_{name}_g{split:02d}_c01.avi", 8)


def hmdb51(root: Path) -> None:
    for label in ("brush_hair", "wave"):
        files = [f"{label}_{k}_u_nm_np1_ba_goo_{k}.avi" for k in range(3)]
        for file in files:
            video(root / f"videos/{label}/{file}", 8)
        for split in (1, 2, 3):
            uses = [(k + split) % 3 for k in range(3)]
            text(
                root / f"annotations/{label}_test_split{split}.txt",
                *(f"{file} {use} " for file, use in zip(files, uses, strict=True)),
            )
