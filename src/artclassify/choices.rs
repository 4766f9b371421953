//! What properties of `artclassify` let one choose.

use gst::glib;

/// When a frame leaves the element, and which result it carries.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstArtClassifyAlignment")]
#[repr(i32)]
pub enum Alignment {
    /// Frames wait for the window they lie in the middle of.
    #[default]
    #[enum_value(
        name = "Delay: frames wait for the window they lie in the middle of, boxes lie on their exact frames",
        nick = "delay"
    )]
    Delay = 0,
    /// Frames carry the newest result there is.
    #[enum_value(
        name = "Hold: frames pass at once with the newest result there is and its age",
        nick = "hold"
    )]
    Hold = 1,
}

/// What happens when windows come faster than the model runs.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstArtClassifyPolicy")]
#[repr(i32)]
pub enum Policy {
    /// As upstream needs it.
    #[default]
    #[enum_value(name = "Auto: drop where upstream is live, else block", nick = "auto")]
    Auto = 0,
    /// Every window is classified.
    #[enum_value(
        name = "Block: every window is classified, upstream waits for the model; the same file gives the same \
                metadata at any machine speed",
        nick = "block"
    )]
    Block = 1,
    /// The video never waits for the model.
    #[enum_value(
        name = "Drop: the video never waits, a window that comes while the model runs takes the place of the one \
                that waits; the stats count both",
        nick = "drop"
    )]
    Drop = 2,
}

/// What becomes of the samples at the end of the stream that fill no whole window.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstArtClassifyEos")]
#[repr(i32)]
pub enum EosPolicy {
    /// They make a window whose last sample is repeated.
    #[default]
    #[enum_value(
        name = "Pad: repeat the last sample, so that a clip shorter than a window gets a result too",
        nick = "pad"
    )]
    Pad = 0,
    /// They make no window.
    #[enum_value(name = "Drop: no result for them", nick = "drop")]
    Drop = 1,
}

/// What windows show.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstArtClassifyRoi")]
#[repr(i32)]
pub enum Roi {
    /// The whole picture.
    #[default]
    #[enum_value(name = "Frame: the whole picture", nick = "frame")]
    Frame = 0,
    /// Each object that upstream marks.
    #[enum_value(
        name = "Meta: each object that a region-of-interest meta marks, in windows of its own; their results lie on their \
                regions",
        nick = "meta"
    )]
    Meta = 1,
}
