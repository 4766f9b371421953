//! A `splitmuxsink` behind the element: where it splits, and the names of its files.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use gst::{glib, prelude::*};

use super::imp::lock;
use crate::gate::Clip;

/// Elements that are searched between the element and a `splitmuxsink`.
const DEPTH: usize = 32;

/// Names of clips that may wait for their file.
const WAITING: usize = 64;

/// Bytes of a file name that labels may take.
const LABELS_LENGTH: usize = 150;

/// Names a file of the `splitmuxsink`, given the first sample in it.
const FORMAT_LOCATION: [&str; 2] = ["format-location-full", "format-location"];

/// The `splitmuxsink` behind the element, if there is one.
#[derive(Debug, Clone, Default)]
pub struct Files(Option<Arc<Option<Sink>>>);

/// A `splitmuxsink` and the clips that it was told of.
#[derive(Debug)]
struct Sink {
    element: gst::Element,
    names: Arc<Mutex<Names>>,
    handler: Mutex<Option<glib::SignalHandlerId>>,
    /// Whether a clip has started before.
    used: AtomicBool,
}

/// Running time at which a clip starts, in nanoseconds, and its name.
type Names = VecDeque<(u64, String)>;

impl Files {
    /// The same, or where nobody has looked yet, what is found behind `pad`.
    pub fn or_find(self, pad: &gst::Pad) -> Self {
        Self(self.0.or_else(|| Some(Arc::new(find(pad, DEPTH).map(Sink::new)))))
    }

    /// A clip starts: it gets a file of its own.
    pub fn start(&self, clip: &Clip) {
        let Some(sink) = self.0.as_deref().and_then(Option::as_ref) else { return };
        {
            let mut names = lock(&sink.names);
            if names.len() == WAITING {
                names.pop_front();
            }
            names.push_back((clip.start, name(clip)));
        }
        // The first file is opened by the first frame. A time to split for it would be kept for the second group.
        if sink.used.swap(true, Ordering::Relaxed) {
            sink.element.emit_by_name::<()>("split-at-running-time", &[&clip.decode]);
        }
    }

    /// Names no more files.
    pub fn let_go(&self) {
        let Some(sink) = self.0.as_deref().and_then(Option::as_ref) else { return };
        let handler = lock(&sink.handler).take();
        if let Some(handler) = handler {
            sink.element.disconnect(handler);
        }
    }
}

impl Sink {
    fn new(element: gst::Element) -> Self {
        let names = Arc::<Mutex<Names>>::default();
        let own = Arc::clone(&names);
        // An application that names the files itself goes first.
        let handler = (!is_named(&element)).then(|| {
            element.connect(FORMAT_LOCATION[0], false, move |values| {
                let sink = values.first()?.get::<gst::Element>().ok()?;
                let sample = values.get(2)?.get::<Option<gst::Sample>>().ok()?;
                let location = sample.and_then(|sample| place(&sink, &lock(&own), &sample));
                let location = location.and_then(|path| path.into_os_string().into_string().ok());
                Some(location.to_value())
            })
        });
        Self { element, names, handler: Mutex::new(handler), used: AtomicBool::new(false) }
    }
}

/// Whether somebody names the files of a `splitmuxsink` already.
fn is_named(element: &gst::Element) -> bool {
    FORMAT_LOCATION.iter().any(|signal| {
        glib::subclass::SignalId::lookup(signal, element.type_())
            .is_some_and(|id| glib::signal::signal_has_handler_pending(element, id, None, true))
    })
}

/// The first `splitmuxsink` behind a source pad.
fn find(pad: &gst::Pad, depth: usize) -> Option<gst::Element> {
    let depth = depth.checked_sub(1)?;
    let peer = pad.peer()?;
    if let Some(outer) = peer.parent().and_downcast::<gst::GhostPad>() {
        return find(outer.upcast_ref(), depth);
    }
    let element = peer.parent_element()?;
    if element.factory().is_some_and(|factory| factory.name() == "splitmuxsink") {
        return Some(element);
    }
    if let Some(ghost) = peer.downcast_ref::<gst::GhostPad>() {
        return find(ghost.internal()?.upcast_ref(), depth);
    }
    element.src_pads().iter().find_map(|pad| find(pad, depth))
}

/// Where the file belongs that begins with `sample`; `None` for the place that the `splitmuxsink` itself would take.
fn place(sink: &gst::Element, names: &Names, sample: &gst::Sample) -> Option<PathBuf> {
    let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
    let time = match segment.to_running_time_full(sample.buffer()?.pts()?)? {
        gst::Signed::Positive(time) => time.nseconds(),
        gst::Signed::Negative(_) => 0,
    };
    let (_, name) = names.iter().rev().find(|(start, _)| *start <= time)?;
    let pattern = sink.property::<Option<String>>("location")?;
    Some(unused(&fill(Path::new(&pattern), name)))
}

/// `pattern` with `name` instead of its number, such as `%05d`, or before its ending where it has none.
fn fill(pattern: &Path, name: &str) -> PathBuf {
    let file = pattern.file_name().unwrap_or_default().to_string_lossy();
    let (before, behind) = number(&file).map_or_else(
        || {
            let ending = file.rfind('.').filter(|&at| at > 0).unwrap_or(file.len());
            (format!("{}-", &file[..ending]), &file[ending..])
        },
        |(start, end)| (file[..start].to_owned(), &file[end..]),
    );
    pattern.with_file_name(format!("{before}{name}{behind}"))
}

/// Where the number stands in a pattern as `printf` knows it.
fn number(pattern: &str) -> Option<(usize, usize)> {
    pattern.match_indices('%').find_map(|(start, _)| {
        let rest = &pattern[start + 1..];
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        matches!(rest.as_bytes()[digits], b'd' | b'i' | b'u').then_some((start, start + digits + 2))
    })
}

/// The path, or where there is such a file already, with a number behind its name.
fn unused(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path.extension().map(|ending| format!(".{}", ending.to_string_lossy())).unwrap_or_default();
    let others = (2u64..).map(|number| path.with_file_name(format!("{stem}-{number}{ending}")));
    std::iter::once(path.to_owned()).chain(others).find(|path| !path.exists()).unwrap_or_default()
}

/// The name of a clip: when its first action begins, in seconds of running time, and its labels.
fn name(clip: &Clip) -> String {
    let milliseconds = clip.first_start() / 1_000_000;
    let labels: String = clip.labels().join(",").chars().map(safe).collect();
    let mut length = labels.len().min(LABELS_LENGTH);
    while !labels.is_char_boundary(length) {
        length -= 1;
    }
    format!("{:05}.{:03}s-{}", milliseconds / 1000, milliseconds % 1000, &labels[..length])
}

/// A character that every file system takes in a name, and a shell in a word.
fn safe(c: char) -> char {
    if c.is_alphanumeric() || matches!(c, '+' | '-' | '.' | ',' | '_' | '=' | '@') { c } else { '_' }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Told;

    fn clip(labels: &[&str]) -> Clip {
        let told = |(action, &label): (usize, &&str)| Told {
            model: "dives".into(),
            action: action as u64,
            object: None,
            label: label.to_owned(),
            score: 0.9,
            start: 12_400_999_999 + action as u64,
            end: None,
        };
        let actions = labels.iter().enumerate().map(told).collect();
        Clip { number: 0, start: 10, decode: 9, end: 11, actions }
    }

    #[test]
    fn names_are_time_and_label_and_safe() {
        for (labels, expected) in [
            (&["Back+25som+NoTwis+PIKE"][..], "00012.400s-Back+25som+NoTwis+PIKE"),
            (&["../a b/%c", "tuck", "tuck"], "00012.400s-.._a_b__c,tuck"),
            (&[], "00000.000s-"),
        ] {
            assert_eq!(name(&clip(labels)), expected);
        }
        let long = "ü".repeat(200);
        assert_eq!(name(&clip(&[&long])).len(), "00012.400s-".len() + LABELS_LENGTH);
    }

    #[test]
    fn the_name_takes_the_place_of_the_number() {
        for (pattern, expected) in [
            ("clips/%05d.mp4", "clips/NAME.mp4"),
            ("clips/cam1-%d.mkv", "clips/cam1-NAME.mkv"),
            ("clips/100%-%u", "clips/100%-NAME"),
            ("clips.d/one.mp4", "clips.d/one-NAME.mp4"),
            ("%s", "%s-NAME"),
        ] {
            assert_eq!(fill(Path::new(pattern), "NAME"), Path::new(expected), "{pattern}");
        }
    }

    #[test]
    fn no_file_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("00012.400s-tuck.mp4");
        for expected in ["00012.400s-tuck.mp4", "00012.400s-tuck-2.mp4", "00012.400s-tuck-3.mp4"] {
            let unused = unused(&path);
            assert_eq!(unused, folder.path().join(expected));
            std::fs::write(unused, "").unwrap();
        }
    }
}
