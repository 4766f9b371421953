//! Which caps can be drawn on: by attaching a composition where downstream composes, by blending elsewhere.

use std::sync::LazyLock;

use gst::glib::translate::IntoGlib;
use gst_video::{CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION, VideoFormat, VideoFormatInfo};

/// Formats that `gst_video_overlay_composition_blend` takes but does not leave whole: it writes past the end of UYVP
/// frames of odd width, remaps the palette of RGB8P and changes the last column of NV61 frames of odd width.
const BROKEN: [VideoFormat; 3] = [VideoFormat::Uyvp, VideoFormat::Rgb8p, VideoFormat::Nv61];

/// Raw video in system memory that can be blended onto.
static BLENDABLE: LazyLock<gst::Caps> = LazyLock::new(|| {
    let formats = gst_video::VIDEO_FORMATS_ALL.iter().copied().filter(|format| can_blend(*format));
    gst_video::VideoCapsBuilder::new().format_list(formats).build()
});

/// Everything that can be drawn on if downstream allows: what can be blended onto, and any raw video whose overlays
/// downstream composes.
pub static TEMPLATE: LazyLock<gst::Caps> = LazyLock::new(|| {
    let mut caps = BLENDABLE.clone();
    caps.make_mut().append(gst_video::VideoCapsBuilder::new().any_features().build());
    caps
});

/// Whether the library both unpacks and packs the format through 8 or 16 bit pixels.
fn can_blend(format: VideoFormat) -> bool {
    let unpacked = VideoFormatInfo::from_format(VideoFormatInfo::from_format(format).unpack_format());
    // SAFETY: the library returns a pointer into its static table, or NULL for a format that it does not know.
    let packs = unsafe {
        gst_video::ffi::gst_video_format_get_info(format.into_glib())
            .as_ref()
            .is_some_and(|info| info.unpack_func.is_some() && info.pack_func.is_some())
    };
    packs && matches!(unpacked.bits(), 8 | 16) && !BROKEN.contains(&format)
}

/// Whether frames of these fixed caps can be blended onto. Caps may leave out what frames need not have, a frame rate.
pub fn is_blendable(caps: &gst::Caps) -> bool {
    caps.can_intersect(&BLENDABLE)
}

/// Whether these fixed caps say that overlays travel as metas.
pub fn has_composition(caps: &gst::CapsRef) -> bool {
    caps.features(0)
        .is_some_and(|features| features.contains(CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION))
}

/// The same caps with overlays travelling as metas.
pub fn with_composition(caps: &gst::CapsRef) -> gst::Caps {
    map_features(caps, |features| {
        if !features.contains(CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION) {
            features.add(CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION);
        }
    })
}

/// The same caps without overlays that travel as metas.
fn without_composition(caps: &gst::CapsRef) -> gst::Caps {
    map_features(caps, |features| features.remove(CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION))
}

/// What upstream may send where downstream takes `downstream`.
pub fn for_upstream(downstream: &gst::Caps) -> gst::Caps {
    let composing: gst::Caps = downstream
        .intersect(&with_composition(&TEMPLATE))
        .iter_with_features()
        .filter(|(_, features)| {
            features.is_any() || features.contains(CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION)
        })
        .map(|(structure, features)| (structure.to_owned(), features.to_owned()))
        .collect();
    let mut caps = composing.clone();
    caps.merge(without_composition(&composing));
    caps.merge(downstream.intersect_with_mode(&BLENDABLE, gst::CapsIntersectMode::First));
    caps
}

/// What may leave where upstream sends `upstream`.
pub fn for_downstream(upstream: &gst::Caps) -> gst::Caps {
    let mut caps = with_composition(&upstream.intersect(&TEMPLATE));
    caps.merge(upstream.intersect_with_mode(&BLENDABLE, gst::CapsIntersectMode::First));
    caps
}

fn map_features(caps: &gst::CapsRef, map: impl Fn(&mut gst::CapsFeaturesRef)) -> gst::Caps {
    caps.iter_with_features()
        .map(|(structure, features)| {
            let mut features = features.to_owned();
            if !features.is_any() {
                map(&mut features);
            }
            (structure.to_owned(), features)
        })
        .collect()
}
