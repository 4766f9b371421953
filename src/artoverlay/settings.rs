//! Properties of `artoverlay`.

use std::sync::LazyLock;

use gst::glib;
use gst::prelude::*;

/// Where the banner stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstArtOverlayBannerPosition")]
pub enum BannerPosition {
    /// No banner.
    #[enum_value(name = "No banner", nick = "none")]
    None,
    /// In the upper left corner.
    #[enum_value(name = "Upper left corner", nick = "top")]
    Top,
    /// In the lower left corner.
    #[default]
    #[enum_value(name = "Lower left corner", nick = "bottom")]
    Bottom,
}

/// What the properties hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Scores below this are not drawn.
    pub min_score: f64,
    /// Whether background classes are drawn.
    pub show_background: bool,
    /// Where the banner stands.
    pub banner: BannerPosition,
    /// Whether tracklets are drawn.
    pub boxes: bool,
    /// Length of the trails.
    pub trail: gst::ClockTime,
    /// Family and style of the text, as pango reads it.
    pub font: String,
    /// Height of the text as a part of the picture's height.
    pub text_size: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            min_score: 0.3,
            show_background: false,
            banner: BannerPosition::default(),
            boxes: true,
            trail: gst::ClockTime::SECOND,
            font: "Sans".into(),
            text_size: 0.04,
        }
    }
}

impl Settings {
    /// The declared properties.
    pub fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
            let d = Settings::default();
            vec![
                glib::ParamSpecDouble::builder("min-score")
                    .nick("Least score")
                    .blurb("A result whose best class scores less is not drawn, neither its banner nor its boxes")
                    .minimum(0.0)
                    .maximum(1.0)
                    .default_value(d.min_score)
                    .mutable_playing()
                    .build(),
                glib::ParamSpecBoolean::builder("show-background")
                    .nick("Show background")
                    .blurb("Draw, in grey, results whose best class the model lists as background (no action)")
                    .default_value(d.show_background)
                    .mutable_playing()
                    .build(),
                glib::ParamSpecEnum::builder_with_default("banner", d.banner)
                    .nick("Banner")
                    .blurb("Where the plate with the class, its score and the running action stands")
                    .mutable_playing()
                    .build(),
                glib::ParamSpecBoolean::builder("boxes")
                    .nick("Boxes")
                    .blurb("Draw the box, the id and the trail of each region")
                    .default_value(d.boxes)
                    .mutable_playing()
                    .build(),
                glib::ParamSpecUInt64::builder("trail")
                    .nick("Trail")
                    .blurb("For how long the trail of a region shows where its centre was, in nanoseconds (0 = no trail)")
                    .maximum(gst::ClockTime::from_seconds(60).nseconds())
                    .default_value(d.trail.nseconds())
                    .mutable_playing()
                    .build(),
                glib::ParamSpecString::builder("font")
                    .nick("Font")
                    .blurb("Font family and style, e.g. \"Sans\" or \"DejaVu Sans Condensed\"; the size comes from text-size")
                    .default_value(Some(d.font.as_str()))
                    .mutable_playing()
                    .build(),
                glib::ParamSpecDouble::builder("text-size")
                    .nick("Text size")
                    .blurb("Height of the banner's text as a part of the picture's height")
                    .minimum(0.01)
                    .maximum(0.2)
                    .default_value(d.text_size)
                    .mutable_playing()
                    .build(),
            ]
        });
        &PROPERTIES
    }

    /// Takes over the value of a property; a value of another type changes nothing.
    pub fn set(&mut self, name: &str, value: &glib::Value) {
        fn take<'v, T: glib::value::FromValue<'v>>(field: &mut T, value: &'v glib::Value) {
            if let Ok(value) = value.get() {
                *field = value;
            }
        }
        match name {
            "min-score" => take(&mut self.min_score, value),
            "show-background" => take(&mut self.show_background, value),
            "banner" => take(&mut self.banner, value),
            "boxes" => take(&mut self.boxes, value),
            "trail" => self.trail = gst::ClockTime::from_nseconds(value.get().unwrap_or_default()),
            "font" => self.font = value.get().ok().flatten().unwrap_or_else(|| Self::default().font),
            "text-size" => take(&mut self.text_size, value),
            _ => (),
        }
    }

    /// The value of a property.
    pub fn get(&self, name: &str) -> glib::Value {
        match name {
            "min-score" => self.min_score.to_value(),
            "show-background" => self.show_background.to_value(),
            "banner" => self.banner.to_value(),
            "boxes" => self.boxes.to_value(),
            "trail" => self.trail.nseconds().to_value(),
            "font" => self.font.to_value(),
            "text-size" => self.text_size.to_value(),
            _ => unreachable!("GObject asks for declared properties only"),
        }
    }
}
