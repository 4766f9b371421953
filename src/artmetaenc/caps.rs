//! What each format is called between elements.

use std::sync::LazyLock;

use super::settings::Format;

/// Text without times, whose times are those of its buffers.
pub const PLAIN_TEXT: &str = "text/x-raw";

struct All {
    json_lines: gst::Caps,
    web_vtt: gst::Caps,
    csv: gst::Caps,
}

static ALL: LazyLock<All> = LazyLock::new(|| {
    let plain = gst::Structure::builder(PLAIN_TEXT).field("format", "utf8").build();
    let file = gst::Structure::new_empty("application/x-subtitle-vtt");
    All {
        json_lines: gst::Caps::new_empty_simple("application/jsonl"),
        web_vtt: [file, plain].into_iter().collect(),
        csv: gst::Caps::new_empty_simple("text/csv"),
    }
});

impl Format {
    /// What it may leave as, the best first.
    pub fn caps(self) -> &'static gst::Caps {
        match self {
            Self::JsonLines => &ALL.json_lines,
            Self::WebVtt => &ALL.web_vtt,
            Self::Csv => &ALL.csv,
        }
    }
}

/// What any format may leave as.
pub fn any() -> gst::Caps {
    [Format::JsonLines, Format::WebVtt, Format::Csv]
        .into_iter()
        .flat_map(|format| format.caps().iter().map(gst::StructureRef::to_owned))
        .collect()
}
