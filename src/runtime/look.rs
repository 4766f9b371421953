//! What a file looks like that ONNX Runtime does not take for a graph, and what to do about it.

use std::{fs::File, io::Read, path::Path};

use crate::wording::shorten;

/// How the places in ONNX Runtime's source code start.
const SOURCE: &str = "/onnxruntime_src/";

/// Longest message of ONNX Runtime that is passed on, in characters.
const LONGEST: usize = 400;

/// What to do with a file that is damaged or made for another runtime.
const AGAIN: &str = "export it again or copy it again in full";

/// What to do about a data file that is not beside its graph.
const EXTERNAL: &str =
    "copy the data file that belongs to it into the same folder, or export it again as one file";

/// What to do about operators and versions that this ONNX Runtime does not know.
const OLDER: &str = "export it again with standard operators and an older opset, or use a newer ONNX Runtime";

/// First bytes of other files, where they begin, what they are and what to do.
const OTHERS: &[(usize, &[u8], &str, &str)] = &[
    (0, b"PK\x03\x04", "a ZIP archive, such as PyTorch saves", "make one with torch.onnx.export"),
    (0, b"\x80\x02", "a Python pickle, such as PyTorch saves", "make one with torch.onnx.export"),
    (0, b"\x89HDF", "an HDF5 file, such as Keras saves", "make one with tf2onnx"),
    (4, b"TFL3", "a TensorFlow Lite model", "make one with tf2onnx"),
    (0, b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (0, b"version https://git-lfs", "a Git LFS pointer, not the file itself", "run git lfs pull"),
    (0, b"<!DOCTYPE", "a web page", "download the file itself"),
    (0, b"<html", "a web page", "download the file itself"),
];

/// What the file looks like, and what to do, where ONNX Runtime says `message` of it.
#[must_use]
pub fn look(path: &Path, message: &str) -> (String, &'static str) {
    let mut start = Vec::new();
    let size = std::fs::metadata(path).map_or(0, |file| file.len());
    // What cannot be read looks like nothing.
    let _ = File::open(path).and_then(|file| file.take(64).read_to_end(&mut start));
    let other =
        OTHERS.iter().find(|(at, bytes, ..)| start.get(*at..).is_some_and(|rest| rest.starts_with(bytes)));
    if let Some((_, _, name, cure)) = other {
        return (format!("{size} bytes, {name}"), cure);
    }
    let cure = if message.contains("xternal") {
        EXTERNAL
    } else if [
        "No Op registered",
        "Opset",
        "opset",
        "IR version",
        "NOT_IMPLEMENTED",
        "Unrecognized attribute",
    ]
    .iter()
    .any(|words| message.contains(words))
    {
        OLDER
    } else {
        AGAIN
    };
    (format!("{size} bytes"), cure)
}

/// What ONNX Runtime says of the graph in `path`, without the places in its own source code.
#[must_use]
pub fn essence(message: &str, path: &Path) -> String {
    let prefix = format!("Load model from {} failed:", path.display());
    let mut rest = message;
    let mut kept = String::new();
    while let Some(at) = rest.find(SOURCE) {
        kept.push_str(&rest[..at]);
        rest = after_place(&rest[at..]);
    }
    kept.push_str(rest);
    shorten(&kept.replace(&prefix, ""), LONGEST)
}

/// What follows a place such as `/onnxruntime_src/core/graph.cc:12 void ns::name(const T&) const `.
fn after_place(text: &str) -> &str {
    let mut depth = 0;
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => continue,
        }
        let rest = &text[at + letter.len_utf8()..];
        if depth == 0 && !rest.starts_with('(') {
            return rest.strip_prefix(" const").unwrap_or(rest);
        }
    }
    text.strip_prefix(SOURCE).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_files_are_recognised() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.onnx");
        for (bytes, message, found, cure) in [
            (&b"PK\x03\x04 and so on"[..], "Protobuf", "14 bytes, a ZIP archive", "torch.onnx.export"),
            (b"\0\0\0\0TFL3", "Protobuf", "8 bytes, a TensorFlow Lite", "tf2onnx"),
            (b"", "no", "0 bytes", "in full"),
            (b"\x08\x08", "External data path does not exist", "2 bytes", "into the same folder"),
            (b"\x08\x08", "No Op registered for Foo", "2 bytes", "older opset"),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let (looks, what_to_do) = look(&path, message);
            assert!(looks.starts_with(found) && what_to_do.contains(cure), "{looks}: {what_to_do}");
        }
    }

    #[test]
    fn places_in_its_source_are_left_out() {
        let path = Path::new("a.onnx");
        for (message, kept) in [
            (
                "Load model from a.onnx failed:/onnxruntime_src/core/m.h:46 void ns::V(const std::map<K, int>&, \
                 bool (*)(int)) const Opset 99 is unknown.",
                "Opset 99 is unknown.",
            ),
            (
                "Status Message: /onnxruntime_src/core/a.cc:360 void* ns::Raw(size_t) Failed\nfor /onnxruntime_src/\
                 b.cc:1 operator()(int) it",
                "Status Message: Failed for it",
            ),
            ("half a place /onnxruntime_src/b.cc:1 void f(", "half a place b.cc:1 void f("),
            ("plain", "plain"),
        ] {
            assert_eq!(essence(message, path), kept);
        }
        assert!(essence(&"x".repeat(5000), path).len() < 500);
    }
}
