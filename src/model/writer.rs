//! Pictures on their way into tensors, and the tensors of frames on their way into those of windows.

use half::f16;

use super::{Axis, Data, Dtype, FrameShape, InputSpec, Layout, Tensor};

/// Turns pictures of the model's size into tensors of its layout and type.
#[derive(Debug, Clone)]
pub struct SampleWriter {
    layout: Layout,
    frame: FrameShape,
    dtype: Dtype,
    /// Value of each byte by channel: `(x - mean) / std`.
    table: Vec<[f32; 256]>,
}

impl SampleWriter {
    /// A writer for what a manifest says of its input.
    #[must_use]
    pub fn new(input: &InputSpec) -> Self {
        let channels = input.channels();
        let table = (0..channels)
            .map(|channel| {
                let (mean, std) = match &input.normalize {
                    Some((mean, std)) => (mean[channel], std[channel]),
                    None => (0.0, 1.0),
                };
                std::array::from_fn(|byte| (byte as f32 - mean) / std)
            })
            .collect();
        let frame = FrameShape { width: input.width, height: input.height, channels };
        Self { layout: input.layout.clone(), frame, dtype: input.dtype, table }
    }

    /// The tensor of one frame in the layout without its time axis. `pixels` are rows of `stride` bytes with
    /// interleaved channels.
    #[must_use]
    pub fn frame(&self, pixels: &[u8], stride: usize) -> Tensor {
        let mut tensor = self.empty();
        self.write(pixels, stride, &mut tensor);
        tensor
    }

    /// A tensor of a frame, of zeros.
    #[must_use]
    pub fn empty(&self) -> Tensor {
        Tensor::zeros(self.dtype.into(), self.layout.without_time().dimensions(1, self.frame))
    }

    /// As [`frame`](Self::frame), into a tensor that this writer made.
    pub fn write(&self, pixels: &[u8], stride: usize, tensor: &mut Tensor) {
        let single = self.layout.without_time();
        let FrameShape { width, height, channels } = self.frame;
        let (mut down, mut across, mut between) = (0, 0, 0);
        let mut size = 1;
        for axis in single.order().collect::<Vec<_>>().into_iter().rev() {
            match axis {
                Axis::H => (down, size) = (size, size * height),
                Axis::W => (across, size) = (size, size * width),
                Axis::C => (between, size) = (size, size * channels),
                Axis::N | Axis::T => {}
            }
        }
        let interleaved = (across, between) == (channels, 1);
        let number = |channel: usize, byte: u8| self.table[channel][usize::from(byte)];
        for (y, row) in pixels.chunks(stride).take(height).enumerate() {
            let (row, start) = (&row[..width * channels], y * down);
            let places = Places { channels, across, between };
            match &mut tensor.data {
                Data::U8(out) if interleaved => out[start..start + row.len()].copy_from_slice(row),
                Data::U8(out) => places.write(&mut out[start..], row, |_, byte| byte),
                Data::F16(out) => {
                    places.write(&mut out[start..], row, |c, byte| f16::from_f32(number(c, byte)))
                }
                Data::F32(out) => places.write(&mut out[start..], row, number),
                Data::I32(_) | Data::I64(_) | Data::F64(_) => {}
            }
        }
    }

    /// The tensor of a window, from the tensors of its frames.
    #[must_use]
    pub fn clip(&self, frames: &[&Tensor]) -> Tensor {
        let shape = self.layout.dimensions(frames.len(), self.frame);
        let mut data = Data::zeros(self.dtype.into(), self.frame.len() * frames.len());
        let size = |axis| match axis {
            Axis::C => self.frame.channels,
            Axis::H => self.frame.height,
            Axis::W => self.frame.width,
            Axis::N | Axis::T => 1,
        };
        let outer: usize = self.layout.order().take_while(|&axis| axis != Axis::T).map(size).product();
        let inner = self.frame.len() / outer;
        for (t, frame) in frames.iter().enumerate() {
            for o in 0..outer {
                data.copy_from((o * frames.len() + t) * inner, &frame.data, o * inner, inner);
            }
        }
        Tensor { shape, data }
    }
}

/// Where the elements of a row of pixels lie in a tensor.
struct Places {
    channels: usize,
    /// From a pixel to the next.
    across: usize,
    /// From a channel to the next.
    between: usize,
}

impl Places {
    /// Writes a row of pixels with interleaved channels.
    fn write<T>(&self, out: &mut [T], row: &[u8], value: impl Fn(usize, u8) -> T) {
        for channel in 0..self.channels {
            let bytes = row.iter().skip(channel).step_by(self.channels);
            let places = out[channel * self.between..].iter_mut().step_by(self.across);
            places.zip(bytes).for_each(|(place, &byte)| *place = value(channel, byte));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Color, Resize};

    fn input(layout: &str, dtype: Dtype, width: usize, height: usize) -> InputSpec {
        InputSpec {
            frames: 3,
            fps: 10.0,
            hop: 1,
            width,
            height,
            color: Color::Rgb,
            resize: Resize::Stretch,
            layout: Layout::parse(layout).unwrap(),
            dtype,
            normalize: (dtype != Dtype::Uint8).then(|| (vec![1.0, 2.0, 3.0], vec![2.0, 4.0, 8.0])),
            name: None,
        }
    }

    /// Where an element lies in a tensor of the given layout, letter by letter.
    fn place(layout: &str, sizes: [usize; 4], at: [usize; 4]) -> usize {
        layout.chars().filter(|c| "TCHW".contains(*c)).fold(0, |place, letter| {
            let axis = "TCHW".find(letter).unwrap();
            place * sizes[axis] + at[axis]
        })
    }

    proptest! {
        #[test]
        fn every_pixel_lands_where_the_letters_say(
            layout in prop::sample::select(vec!["NTHWC", "NTCHW", "NCTHW", "N(TC)HW", "(NT)CHW", "NHWTC", "NHTWC"]),
            dtype in prop::sample::select(vec![Dtype::Uint8, Dtype::Float32, Dtype::Float16]),
            (width, height, padding) in (1usize..6, 1usize..6, 0usize..4),
            seed in any::<u8>(),
        ) {
            let spec = input(layout, dtype, width, height);
            let writer = SampleWriter::new(&spec);
            let stride = width * 3 + padding;
            let pixel = |t: usize, y: usize, x: usize, c: usize| (t * 91 + y * 31 + x * 7 + c * 3 + usize::from(seed)) as u8;
            let frames: Vec<Tensor> = (0..3).map(|t| {
                let mut bytes = vec![0xee; stride * height];
                for y in 0..height { for x in 0..width { for c in 0..3 {
                    bytes[y * stride + x * 3 + c] = pixel(t, y, x, c);
                }}}
                writer.frame(&bytes, stride)
            }).collect();
            let clip = writer.clip(&frames.iter().collect::<Vec<_>>());
            let values = clip.data.to_f32();
            for t in 0..3 { for y in 0..height { for x in 0..width { for c in 0..3 {
                let raw = f32::from(pixel(t, y, x, c));
                let expected = if dtype == Dtype::Uint8 { raw } else { (raw - (c as f32 + 1.0)) / [2.0, 4.0, 8.0][c] };
                let got = values[place(layout, [3, 3, height, width], [t, c, y, x])];
                prop_assert!((got - expected).abs() <= expected.abs() * 1e-3, "{got} {expected}");
            }}}}
        }
    }
}
