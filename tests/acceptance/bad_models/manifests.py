"""Faults of model.toml: what is unknown, missing, of a wrong type, or out of range."""

from .case import Case, Change, clip_form, manifest, together, write

README = "Models: model.toml"
NAMES = 'names = ["red", "green", "blue"]'
SCORES = 'scores = { name = "logits" }'
BOXES = '{ name = "boxes", format = "cxcywh" }'
ENCODER = 'encoder = "encoder.onnx"'
HEAD = 'head = "head.onnx"'
FLOATS = manifest('dtype = "uint8"', 'dtype = "float32"')


def says(name: str, change: Change, *words: str) -> Case:
    """A fault that the manifest reader tells of."""
    return Case(name, change, ("model.toml", "found", "expected", README, *words))


def key(path: str, old: str, new: str, *words: str) -> Case:
    """A line of the manifest replaced by another."""
    name = f"{path}: {new.strip()[:40] or 'missing'}"
    return says(name, manifest(old, new), f"{path}: found", *words)


def sums(lines: str) -> Change:
    """Adds checksums."""
    return manifest("[outputs]", f"[graph.sha256]\n{lines}\n\n[outputs]")


def frames(new: str, *words: str) -> Case:
    """A window of another length."""
    return key("input.frames", "frames = 4", f"frames = {new}", *words)


def fps(new: str, *words: str) -> Case:
    """Another rate of samples."""
    return key("input.fps", "fps = 10.0", f"fps = {new}", "a number, 0.001 to 1000", *words)


def layout(new: str, *words: str) -> Case:
    """Another order of the axes."""
    return key("input.layout", '"NTHWC"', f'"{new}"', "N, C, H, W and T once each", *words)


def norm(name: str, line: str, *words: str) -> Case:
    """Means or deviations that cannot be."""
    return says(name, together(FLOATS, manifest("[graph]", f"{line}\n\n[graph]")), *words)


def unknown(path: str, old: str, new: str, near: str) -> Case:
    """A key that no manifest has."""
    return key(path, old, new, "a key that no manifest has (line", f'did you mean "{near}"?')


NO_TOML = [
    says("no TOML", write("model.toml", b"[model\nname\n"), "line 1", "expected TOML"),
    says("empty manifest", write("model.toml", b""), "model: found nothing", "a section [model]"),
    says("only a BOM", write("model.toml", b"\xef\xbb\xbf"), "model: found nothing"),
    says("binary manifest", write("model.toml", bytes(range(256)) * 16), "byte 0x80", "UTF-8"),
    says("UTF-16", write("model.toml", "[model]\n".encode("utf-16")), "line 1", "byte 0xff"),
    says("key twice", manifest("hop = 2", "hop = 2\nhop = 3"), "line 9", "duplicate key"),
    says("section twice", manifest("[graph]", "[input]\n[graph]"), "duplicate key"),
    says("JSON", write("model.toml", b'{"model": {"name": "x"}}\n'), "line 1", "expected TOML"),
    says("deep nesting", write("model.toml", b"a = " + b"[" * 9999), "line 1", "expected TOML"),
]
UNKNOWN = [
    unknown("inputs", "[input]", "[inputs]", "input"),
    unknown("model.nmae", 'name = "colours"', 'nmae = "colours"', "name"),
    unknown("input.frmaes", "frames = 4", "frmaes = 4", "frames"),
    unknown("graph.encodr", "encoder =", "encodr =", "encoder"),
    unknown("outputs.score", "scores =", "score =", "scores"),
    unknown("outputs.scores.activaton", SCORES, 'scores = { activaton = "none" }', "activation"),
    unknown("outputs.boxes.formt", BOXES, '{ name = "boxes", formt = "xyxy" }', "format"),
    unknown("outputs.queries.nam", '{ name = "queries" }', '{ nam = "queries" }', "name"),
    unknown("labels.nmaes", "names =", "nmaes =", "names"),
]
MISSING = [
    key("model", '[model]\nname = "colours"\nversion = "1"', "", "nothing", "a section [model]"),
    key("model.name", 'name = "colours"', "", "nothing", "text in quotes", "to [model]"),
    key("input.frames", "frames = 4", "", "nothing", "a whole number, 1 to 8192", "to [input]"),
    key("input.fps", "fps = 10.0", "", "nothing", "a number", "add it to [input]"),
    key("input.width", "width = 8", "", "nothing", "a whole number", "add it to [input]"),
    key("input.layout", 'layout = "NTHWC"', "", "nothing", '"NTHWC"', "add it to [input]"),
    key("input.dtype", 'dtype = "uint8"', "", "nothing", '"uint8", "float32" or "float16"'),
    key("graph.kind", 'kind = "split"', "", "nothing", '"clip", "split" or "stream"', "to [graph]"),
    key("graph.head", HEAD, "", "nothing", "the name of a file", "add it to [graph]"),
    key("outputs.scores", SCORES, "", "nothing", '{ name = "logits" }'),
    key("outputs.scores.name", SCORES, 'scores = { activation = "none" }', "[outputs.scores]"),
    key("outputs.boxes.format", BOXES, '{ name = "boxes" }', "nothing", '"cxcywh" or "xyxy"'),
    says(
        "no kind of labels", manifest(NAMES, ""), "labels: found neither", "one of file and names"
    ),
]
TYPES = [
    says("model is no table", write("model.toml", b"model = 3"), "model: found 3 (a whole number"),
    says("input is a list", manifest("[input]", "[[input]]"), "(a list, line", "section [input]"),
    key("model.name", '"colours"', "18", "18 (a whole number, line 2)", "text in quotes"),
    key("model.version", '"1"', "1.0", "1.0 (a number, line 3)", "text in quotes"),
    frames('"four"', '"four" (text, line 6)', "a whole number, 1 to 8192"),
    frames("4.0", "4.0 (a number, line 6)", "a whole number"),
    frames("[4]", "[4] (a list, line 6)", "a whole number"),
    frames("1979-05-27", "(a date or time, line 6)", "a whole number"),
    frames("{ t = 4 }", "(a table, line 6)", "a whole number"),
    fps('"10"', '"10" (text, line 7)'),
    fps("true", "true (a truth value, line 7)"),
    key("input.layout", '"NTHWC"', '["N", "T"]', "(a list, line 11)", '"NTHWC"'),
    key("graph.kind", '"split"', "2", "2 (a whole number, line 15)", '"clip", "split" or "stream"'),
    key("graph.encoder", '"encoder.onnx"', '["encoder.onnx"]', "(a list", "the name of a file"),
    key("outputs.scores", SCORES, 'scores = "logits"', '"logits" (text', '{ name = "logits" }'),
    key("outputs.boxes", f"boxes = {BOXES}", 'boxes = "boxes"', "(text", 'format = "cxcywh"'),
    key("outputs.queries", '{ name = "queries" }', '["queries"]', "(a list", 'name = "queries"'),
    key("outputs.scores.name", SCORES, "scores = { name = 0 }", "0 (a whole number", "in quotes"),
    key("labels.names", NAMES, 'names = "red"', '"red" (text', "a list of labels"),
    key("labels.names", NAMES, "names = [1, 2, 3]", "[1, 2, 3] (a list", "a list of labels"),
    key("labels.file", NAMES, "file = 3", "3 (a whole number", "the name of a file"),
    key("labels.background", '["blue"]', '"blue"', '"blue" (text', "a list of labels"),
    key("graph.sha256", "[outputs]", 'sha256 = "00"\n\n[outputs]', "a table from file name"),
    key("input.mean", "[graph]", 'mean = "0"\n\n[graph]', '"0" (text', "a list of 3"),
]
RANGES = [
    frames("0", "0 (a whole number, line 6)", "1 to 8192"),
    frames("-4", "-4 (a whole number", "1 to 8192"),
    frames("1_000_000_000", "1_000_000_000 (a whole number", "1 to 8192"),
    frames("99999999999999999999999", "(a whole number", "1 to 8192"),
    fps("0", "0 (a whole number, line 7)"),
    fps("-25.0", "-25.0 (a number"),
    fps("nan", "nan (a number"),
    fps("inf", "inf (a number"),
    fps("1e-300", "1e-300 (a number"),
    fps("1e9", "1e9 (a number"),
    key("input.hop", "hop = 2", "hop = 5", "5 (a whole number, line 8)", "1 to 4"),
    key("input.hop", "hop = 2", "hop = 0", "0 (a whole number", "1 to 4"),
    key("input.width", "width = 8", "width = 0", "1 to 8192"),
    key("input.width", "width = 8", "width = 100000", "100000 (a whole number", "1 to 8192"),
    key("input.height", "height = 8", "height = -8", "-8 (a whole number", "1 to 8192"),
    key("input.color", 'dtype = "uint8"', 'color = "yuv"', '"yuv"', '"rgb", "bgr" or "gray"'),
    key("input.resize", 'dtype = "uint8"', 'resize = "fit"', '"stretch", "crop" or "letterbox"'),
    key("input.dtype", '"uint8"', '"int8"', '"int8"', '"uint8", "float32" or "float16"'),
    layout("NTHWX", "there is 'X'"),
    layout("NTHWCC", "C twice"),
    layout("NTHW", "no C"),
    layout("N(TCHW", "a parenthesis left open"),
    layout("", "no N"),
    layout("N" * 5000, "N twice"),
    says(
        "clip layout without time",
        clip_form(manifest('"NTHWC"', '"NHWC"')),
        "input.layout: found",
        "a time axis",
    ),
    says("long window", manifest("fps = 10.0", "fps = 0.001"), "4000 s", "at most 600 s"),
    says(
        "window of gigabytes",
        clip_form(
            manifest("frames = 4", "frames = 8192"),
            manifest("fps = 10.0", "fps = 100.0"),
            manifest("width = 8", "width = 8192"),
            manifest("height = 8", "height = 8192"),
        ),
        "1649267441664 bytes in a window",
        "at most 536870912",
    ),
    says(
        "sample of gigabytes",
        together(
            FLOATS, manifest("width = 8", "width = 8192"), manifest("height = 8", "height = 8192")
        ),
        "805306368 bytes in a sample",
        "at most 536870912",
    ),
    norm("mean of two", "mean = [1, 2]", "input.mean: found [1, 2] (a list", "3 finite numbers"),
    norm("mean of NaN", "mean = [1, 2, nan]", "input.mean: found", "3 finite numbers"),
    norm("mean of texts", 'mean = ["1", "2", "3"]', "input.mean: found", "3 finite numbers"),
    norm("mean of thousands", f"mean = {[1] * 5000}", "input.mean: found", "3 finite numbers"),
    norm("std of zero", "std = [1, 0, 1]", "input.std: found [1, 0, 1]", "above 0"),
    norm("negative std", "std = [1, -1, 1]", "input.std: found", "above 0"),
    norm("infinite std", "std = [1, inf, 1]", "input.std: found", "finite"),
    norm("tiny std", "std = [1e-40, 1, 1]", "a byte into inf", "mend mean or std"),
    says(
        "bytes with a mean",
        manifest("[graph]", "mean = [1, 2, 3]\n\n[graph]"),
        "input: found mean or std",
        "bytes cannot be normalised",
    ),
    key("model.name", '"colours"', '""', '""', "1 to 500 characters"),
    key("model.name", '"colours"', '"col\\u0000ours"', "control character"),
    key("model.name", '"colours"', f'"{"x" * 9999}"', "1 to 500 characters"),
    key("outputs.scores.name", SCORES, 'scores = { name = "a\\u0000" }', "control character"),
    key("outputs.boxes.format", '"cxcywh"', '"xywh"', '"xywh"', '"cxcywh" or "xyxy"'),
    key(
        "outputs.scores.activation",
        SCORES,
        'scores = { name = "logits", activation = "argmax" }',
        '"softmax", "sigmoid" or "none"',
    ),
    key("graph.kind", '"split"', '"splits"', '"splits"', '"clip", "split" or "stream"'),
    key("graph.head", HEAD, 'head = ""', '""', "the name of a file"),
    key("graph.head", HEAD, 'head = "he\\u0000ad.onnx"', "the name of a file"),
]
TOGETHER = [
    key("graph.file", HEAD, f'{HEAD}\nfile = "clip.onnx"', "encoder and head and no other file"),
    key("graph.encoder", '"split"', '"clip"', '"encoder.onnx" (text', "file and no other file"),
    says(
        "clip without a file",
        clip_form(manifest('file = "clip.onnx"', "")),
        "graph.file: found nothing",
        "add it to [graph]",
    ),
    says("both kinds of labels", manifest(NAMES, f'{NAMES}\nfile = "x"'), "labels: found both"),
    says(
        "checksum malformed",
        sums('"encoder.onnx" = "00ff"'),
        'graph.sha256.encoder.onnx: found "00ff" (text',
        "64 hexadecimal digits",
    ),
    says(
        "checksum is a number", sums('"encoder.onnx" = 64'), "64 (a whole number", "64 hexadecimal"
    ),
    says(
        "checksum of another file",
        sums(f'"clip.onnx" = "{"0" * 64}"'),
        'a checksum of "clip.onnx", which is no graph',
        "its graph files only",
    ),
    Case(
        "checksum",
        sums(f'"encoder.onnx" = "{"0" * 64}"'),
        ("encoder.onnx: sha256: found", f"expected {'0' * 64} by", "copy the file again"),
    ),
]
CASES = [*NO_TOML, *UNKNOWN, *MISSING, *TYPES, *RANGES, *TOGETHER]
