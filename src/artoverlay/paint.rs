//! Blends pictures straight onto the components of a frame, touching no other pixel.
//!
//! `gst_video_overlay_composition_blend` unpacks and packs the frame's whole rows for every row of a rectangle, which for
//! thin boxes is many times the frame.

use gst_video::{VideoColorMatrix, VideoColorRange, VideoFormat, VideoFrameRef, VideoInfo, prelude::*};

use super::pixels::Placed;

/// One component (Y, U, V, R, G, B).
#[derive(Debug, Clone, Copy, PartialEq)]
struct Component {
    /// Bytes from the start of a column of its layer.
    at: usize,
    /// Weights of red, green and blue, each 0 to 1, for the value in the frame.
    weights: [f64; 3],
    /// The value without red, green and blue.
    offset: f64,
}

/// Components that share a plane and its columns and rows.
#[derive(Debug, Clone, PartialEq)]
struct Layer {
    plane: u32,
    /// Bytes from column to column.
    step: usize,
    /// Columns and rows of the picture for each of the layer, as powers of two. A value belongs to the first of them.
    shrink: (u32, u32),
    components: Vec<Component>,
}

/// How values lie in memory.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Depth {
    /// Bytes.
    Eight,
    /// Two bytes, little endian, with so many unused low bits.
    Sixteen(u32),
}

impl Depth {
    fn bytes(self) -> usize {
        match self {
            Self::Eight => 1,
            Self::Sixteen(_) => 2,
        }
    }
}

/// What knows how to blend onto frames of one format.
#[derive(Debug, Clone, PartialEq)]
pub struct Paint {
    layers: Vec<Layer>,
    depth: Depth,
    width: i64,
    height: i64,
}

/// A picture as one layer of a frame has it in memory.
#[derive(Debug)]
pub struct Sheet {
    /// Columns of the layer.
    columns: usize,
    /// How much of each value of the frame shows through, 0 to 255.
    through: Vec<u8>,
    /// What is added to that, in the bytes of the frame.
    values: Vec<u8>,
}

/// Which layer, and how far the picture's corner lies from the layer's grid.
pub type SheetKey = (usize, (u32, u32));

impl Paint {
    /// `None` for a format whose values have no address of their own or carry transparency, and for those of which
    /// GStreamer's table does not tell where values lie: VYUY, where it takes U for V, and packed words.
    #[must_use]
    pub fn new(info: &VideoInfo) -> Option<Self> {
        let format = info.format_info();
        let plain = !(format.is_complex() || format.is_tiled() || format.has_palette() || format.has_alpha());
        let (count, planes) = (format.n_components() as usize, format.n_planes() as usize);
        let (&bits, &shift) = (format.depth().first()?, format.shift().first()?);
        let alike = |values: &[u32], value| values.iter().take(count).all(|&other| other == value);
        if !plain || !matches!(count, 1 | 3) || !alike(format.depth(), bits) || !alike(format.shift(), shift)
        {
            return None;
        }
        let words = format.is_le() && bits + shift <= 16 && (count == 1 || planes > 1);
        let depth = match bits {
            8 if shift == 0 && format.format() != VideoFormat::Vyuy => Depth::Eight,
            9..=16 if words => Depth::Sixteen(shift),
            _ => return None,
        };
        let mut layers: Vec<Layer> = Vec::new();
        for n in 0..count {
            let (weights, offset) = color_row(info, n, bits)?;
            let (plane, shrink) = (format.plane()[n], (format.w_sub()[n], format.h_sub()[n]));
            let at = match depth {
                Depth::Eight => format.poffset()[n] as usize,
                // The table counts in bytes here too: of two planes, the second has U and V.
                Depth::Sixteen(_) if n >= planes => 2,
                Depth::Sixteen(_) => 0,
            };
            let component = Component { at, weights, offset };
            match layers.iter_mut().find(|layer| (layer.plane, layer.shrink) == (plane, shrink)) {
                Some(layer) => layer.components.push(component),
                None => {
                    let step = usize::try_from(format.pixel_stride()[n]).ok().filter(|&step| step > 0)?;
                    layers.push(Layer { plane, step, shrink, components: vec![component] });
                }
            }
        }
        Some(Self { layers, depth, width: info.width().into(), height: info.height().into() })
    }

    /// Blends the pictures onto a frame of the format, the last on top.
    ///
    /// # Errors
    /// When the frame lacks a plane.
    pub fn blend(
        &self,
        frame: &mut VideoFrameRef<&mut gst::BufferRef>,
        placed: &[Placed],
    ) -> Result<(), gst::glib::BoolError> {
        for (n, layer) in self.layers.iter().enumerate() {
            let stride = frame.plane_stride()[layer.plane as usize] as usize;
            let data = frame.plane_data_mut(layer.plane)?;
            for placed in placed {
                let phase = |at: i32, shrink: u32| at.rem_euclid(1 << shrink) as u32;
                let phase = (phase(placed.x, layer.shrink.0), phase(placed.y, layer.shrink.1));
                let render = |pixels: &[u8], width| layer.render(pixels, width, phase, self.depth);
                let sheet = placed.picture.sheet((n, phase), render);
                self.blend_sheet(layer, &sheet, phase, placed, (data, stride));
            }
        }
        Ok(())
    }

    fn blend_sheet(
        &self,
        layer: &Layer,
        sheet: &Sheet,
        (phase_x, phase_y): (u32, u32),
        placed: &Placed,
        (data, stride): (&mut [u8], usize),
    ) {
        // Of the sheet's columns or rows, those that are shown and lie in the frame, and where the sheet begins.
        let span = |at: i32, phase: u32, length: u32, limit: i64, shrink: u32| {
            let up = |picture: i64| (picture + (1 << shrink) - 1) >> shrink;
            let begin = (i64::from(at) - i64::from(phase)) >> shrink;
            let shown = up(i64::from(phase) + i64::from(length)).min(up(limit) - begin);
            ((-begin).max(0)..shown, begin)
        };
        let (columns, left) = span(placed.x, phase_x, placed.w, self.width, layer.shrink.0);
        let (rows, top) = span(placed.y, phase_y, placed.h, self.height, layer.shrink.1);
        if columns.is_empty() {
            return;
        }
        let each = layer.step / self.depth.bytes();
        let count = (columns.end - columns.start) as usize * each;
        for row in rows {
            let from = (row as usize * sheet.columns + columns.start as usize) * each;
            let start = (top + row) as usize * stride + (left + columns.start) as usize * layer.step;
            let out = data.get_mut(start..).unwrap_or_default();
            let through = &sheet.through[from..from + count];
            match self.depth {
                Depth::Eight => blend_bytes(out, through, &sheet.values[from..from + count]),
                Depth::Sixteen(shift) => {
                    blend_words(out, through, &sheet.values[2 * from..2 * (from + count)], shift);
                }
            }
        }
    }
}

impl Layer {
    /// The layer of rows of `width` premultiplied pixels, the first of which lies `phase` columns and rows of the picture
    /// behind the beginning of the layer's first.
    fn render(&self, pixels: &[u8], width: usize, phase: (u32, u32), depth: Depth) -> Sheet {
        let rows = pixels.chunks_exact(width * 4);
        let size = |length: usize, phase: u32, shrink: u32| (length + phase as usize).div_ceil(1 << shrink);
        let columns = size(width, phase.0, self.shrink.0);
        let count = columns * size(rows.len(), phase.1, self.shrink.1) * self.step / depth.bytes();
        let (mut through, mut values) = (vec![255; count], vec![0; count * depth.bytes()]);
        let on_grid = |at: usize, phase: u32, shrink: u32| {
            let at = at + phase as usize;
            at.is_multiple_of(1 << shrink).then_some(at >> shrink)
        };
        for (y, row) in rows.enumerate() {
            let Some(y) = on_grid(y, phase.1, self.shrink.1) else { continue };
            for (x, pixel) in row.chunks_exact(4).enumerate() {
                let Some(x) = on_grid(x, phase.0, self.shrink.0) else { continue };
                let argb = u32::from_ne_bytes([pixel[0], pixel[1], pixel[2], pixel[3]]).to_be_bytes();
                let [a, r, g, b] = argb.map(|level| f64::from(level) / 255.0);
                for component in &self.components {
                    let at = (y * columns + x) * self.step + component.at;
                    let [red, green, blue] = component.weights;
                    let value = (component.offset * a + red * r + green * g + blue * b).round() as u16;
                    through[at / depth.bytes()] = 255 - argb[0];
                    match depth {
                        Depth::Eight => values[at] = value as u8,
                        Depth::Sixteen(shift) => {
                            values[at..at + 2].copy_from_slice(&(value << shift).to_le_bytes());
                        }
                    }
                }
            }
        }
        Sheet { columns, through, values }
    }
}

fn blend_bytes(out: &mut [u8], through: &[u8], values: &[u8]) {
    for (out, (&through, &value)) in out.iter_mut().zip(through.iter().zip(values)) {
        let kept = (u16::from(*out) * u16::from(through) + 127) / 255;
        *out = (kept as u8).saturating_add(value);
    }
}

fn blend_words(out: &mut [u8], through: &[u8], values: &[u8], shift: u32) {
    let unused = (1 << shift) - 1;
    for (out, (&through, value)) in out.chunks_exact_mut(2).zip(through.iter().zip(values.chunks_exact(2))) {
        let before = u32::from(u16::from_le_bytes([out[0], out[1]]));
        let kept = (before * u32::from(through) + 127) / 255;
        let mixed = (kept as u16).saturating_add(u16::from_le_bytes([value[0], value[1]])) & !unused;
        out.copy_from_slice(&mixed.to_le_bytes());
    }
}

/// The weights of red, green and blue for component `n` in values of so many bits, and its offset.
fn color_row(info: &VideoInfo, n: usize, bits: u32) -> Option<([f64; 3], f64)> {
    let (colorimetry, format) = (info.colorimetry(), info.format_info());
    let unit = f64::from(1u32 << (bits - 8));
    let most = f64::from((1u32 << bits) - 1);
    let full = match colorimetry.range() {
        VideoColorRange::Range0_255 => true,
        VideoColorRange::Range16_235 => false,
        _ => format.is_rgb(),
    };
    let (black, luma, chroma) =
        if full { (0.0, most, most) } else { (16.0 * unit, 219.0 * unit, 224.0 * unit) };
    if format.is_rgb() {
        let mut weights = [0.0; 3];
        weights[n] = luma;
        return Some((weights, black));
    }
    let matrix = colorimetry.matrix();
    let (kr, kb) = matrix.kr_kb().or_else(|_| VideoColorMatrix::Bt709.kr_kb()).ok()?;
    let y = [kr, 1.0 - kr - kb, kb];
    Some(match n {
        0 => (y.map(|weight| weight * luma), black),
        1 => (difference(y, 2, chroma), 128.0 * unit),
        _ => (difference(y, 0, chroma), 128.0 * unit),
    })
}

/// How far one of red, green and blue lies from luma, in a span of `scale`.
fn difference(luma: [f64; 3], of: usize, scale: f64) -> [f64; 3] {
    let mut weights = luma.map(|weight| -weight);
    weights[of] += 1.0;
    let span = 2.0 * (1.0 - luma[of]);
    weights.map(|weight| weight / span * scale)
}

#[cfg(test)]
mod tests {
    use gst_video::{VideoColorimetry, VideoFormat, VideoOverlayComposition};

    use super::{
        super::{caps, palette, pixels::Sprite},
        *,
    };

    const SIZE: (u32, u32) = (67, 41);

    fn info(format: VideoFormat) -> VideoInfo {
        let info = VideoInfo::builder(format, SIZE.0, SIZE.1);
        let plain = info.build().unwrap();
        if plain.is_rgb() {
            return plain;
        }
        // What GStreamer blends with.
        let colorimetry: VideoColorimetry = "bt709".parse().unwrap();
        VideoInfo::builder(format, SIZE.0, SIZE.1).colorimetry(&colorimetry).build().unwrap()
    }

    /// Discs, some see-through, of which one is cut by each edge of the frame.
    fn placed() -> Vec<Placed> {
        let at = [(3, 4), (20, 11), (-5, 20), (50, -3), (58, 30), (31, 25)];
        let discs =
            at.iter().zip([1.0, 0.5, 0.9, 1.0, 0.3, 0.74]).enumerate().map(|(n, (&(x, y), alpha))| {
                let disc = Sprite::draw(16, 15, |cr| {
                    cr.arc(8.0, 8.0, 7.0, 0.0, std::f64::consts::TAU);
                    palette::track(n).set(cr, alpha);
                    cr.fill()
                });
                disc.unwrap().at(x, y)
            });
        let line = super::super::pixels::Picture::horizontal(
            SIZE.0,
            &[palette::INK.pixel(0.45), palette::LIVE.pixel(1.0)],
        );
        discs.chain([line.part(7, 33, 41, 2)]).collect()
    }

    /// A frame of all kinds of values, and 255 where a format has bytes of no meaning: GStreamer takes those for
    /// transparency.
    fn frame(info: &VideoInfo) -> gst::Buffer {
        let (depth, shift) = (info.comp_depth(0), info.format_info().shift()[0]);
        let mut bytes = vec![0; info.size()];
        if depth > 8 {
            for (n, word) in bytes.chunks_exact_mut(2).enumerate() {
                let value = (n as u32 * 37 % (1 << depth)) << shift;
                word.copy_from_slice(&(value as u16).to_le_bytes());
            }
        } else {
            bytes.iter_mut().enumerate().for_each(|(n, byte)| *byte = (n * 37 % 251) as u8);
        }
        if info.is_rgb() && info.comp_pstride(0) == 4 {
            let spare = (0..4).find(|&at| !info.format_info().poffset()[..3].contains(&at)).unwrap();
            bytes.chunks_exact_mut(4).for_each(|pixel| pixel[spare as usize] = 255);
        }
        gst::Buffer::from_mut_slice(bytes)
    }

    fn drawn(info: &VideoInfo, draw: impl FnOnce(&mut VideoFrameRef<&mut gst::BufferRef>)) -> Vec<u32> {
        let mut buffer = frame(info);
        draw(&mut VideoFrameRef::from_buffer_ref_writable(buffer.get_mut().unwrap(), info).unwrap());
        let bytes = buffer.map_readable().unwrap();
        if info.comp_depth(0) == 8 {
            return bytes.iter().copied().map(u32::from).collect();
        }
        let shift = info.format_info().shift()[0];
        let words = bytes.chunks_exact(2).map(|word| u16::from_le_bytes([word[0], word[1]]));
        words.map(|word| u32::from(word >> shift)).collect()
    }

    #[test]
    fn pictures_look_as_gstreamer_blends_them() {
        gst::init().unwrap();
        let mut painted = Vec::new();
        for format in gst_video::VIDEO_FORMATS_ALL.iter().copied() {
            if !caps::is_blendable(&VideoInfo::builder(format, 8, 8).build().unwrap().to_caps().unwrap()) {
                continue;
            }
            let info = info(format);
            let Some(paint) = Paint::new(&info) else { continue };
            painted.push(format);
            let placed = placed();
            let rectangles: Vec<_> = placed.iter().map(|placed| placed.rectangle().unwrap()).collect();
            let composition = VideoOverlayComposition::new(&rectangles).unwrap();
            let before = drawn(&info, |_| ());
            let ours = drawn(&info, |frame| paint.blend(frame, &placed).unwrap());
            let theirs = drawn(&info, |frame| composition.blend(frame).unwrap());
            assert!(before.iter().zip(&ours).filter(|(a, b)| a != b).count() > 500, "{format}");
            // It rounds to bytes on its way.
            let slack = 3 << (info.comp_depth(0) - 8);
            for (at, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
                assert!(ours.abs_diff(*theirs) <= slack, "{format}: {ours} against {theirs} at {at}");
            }
        }
        use VideoFormat as F;
        for format in [F::I420, F::Nv12, F::Yuy2, F::Bgrx, F::Rgb, F::Gray8, F::P01010le, F::I42210le] {
            assert!(painted.contains(&format), "{format}");
        }
    }
}
