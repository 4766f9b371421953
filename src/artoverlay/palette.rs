//! Colours.

/// A colour without transparency, components 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Color {
    /// Red.
    pub r: f64,
    /// Green.
    pub g: f64,
    /// Blue.
    pub b: f64,
}

/// Text on dark plates.
pub const WHITE: Color = hex(0xFFFFFF);
/// Plates, outlines and text on coloured plates.
pub const INK: Color = hex(0x0B0F14);
/// Score figures and secondary text.
pub const SOFT: Color = hex(0xC9D3DE);
/// The filled part of the score bar.
pub const ACCENT: Color = hex(0x37D0FF);
/// A running action.
pub const LIVE: Color = hex(0xFF4A3D);
/// What a background class found.
pub const DIM: Color = hex(0x9AA5B1);

/// Bright colours that differ for common kinds of colour blindness too, in an order that keeps neighbours apart.
const TRACKS: [Color; 8] = [
    hex(0xFFC61A),
    hex(0x37D0FF),
    hex(0xFF6FB5),
    hex(0x7CF07A),
    hex(0xFF8A3D),
    hex(0xB79CFF),
    hex(0xF4F06B),
    hex(0x4FF0D0),
];

/// How many colours tracklets share.
pub const TRACK_COLORS: usize = TRACKS.len();

/// The index of the colour that belongs to a tracklet id; always the same one.
pub fn track_index(id: u64) -> usize {
    (id % TRACK_COLORS as u64) as usize
}

/// The colour of an index below [`TRACK_COLORS`].
pub fn track(index: usize) -> Color {
    TRACKS[index % TRACK_COLORS]
}

const fn hex(rgb: u32) -> Color {
    Color {
        r: ((rgb >> 16) & 0xFF) as f64 / 255.0,
        g: ((rgb >> 8) & 0xFF) as f64 / 255.0,
        b: (rgb & 0xFF) as f64 / 255.0,
    }
}

impl Color {
    /// The pixel of a cairo ARGB surface: premultiplied, in the byte order of the machine.
    pub fn pixel(self, alpha: f64) -> [u8; 4] {
        let level = |v: f64| (v * 255.0).round() as u32;
        let [a, r, g, b] =
            [level(alpha), level(self.r * alpha), level(self.g * alpha), level(self.b * alpha)];
        (a << 24 | r << 16 | g << 8 | b).to_ne_bytes()
    }

    /// Makes this the colour that `cr` draws with.
    pub fn set(self, cr: &cairo::Context, alpha: f64) {
        cr.set_source_rgba(self.r, self.g, self.b, alpha);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_premultiplied() {
        assert_eq!(u32::from_ne_bytes(WHITE.pixel(0.5)), 0x8080_8080);
        assert_eq!(u32::from_ne_bytes(hex(0x00FF00).pixel(1.0)), 0xFF00_FF00);
    }
}
