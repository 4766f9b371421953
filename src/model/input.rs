//! Reading the section [input] of a manifest.

use super::{
    Color, Dtype, ElementType, InputSpec, Layout, Normalize, Resize,
    document::Section,
    kinds::{Choice, Number, Numbers, Text, Whole},
    limits,
};
use crate::{error::Error, wording::brief};

const COLORS: Choice<Color> = Choice(&[("rgb", Color::Rgb), ("bgr", Color::Bgr), ("gray", Color::Gray)]);

const RESIZES: Choice<Resize> =
    Choice(&[("stretch", Resize::Stretch), ("crop", Resize::Crop), ("letterbox", Resize::Letterbox)]);

const DTYPES: Choice<Dtype> =
    Choice(&[("uint8", Dtype::Uint8), ("float32", Dtype::Float32), ("float16", Dtype::Float16)]);

const LAYOUT: Text = Text("the letters N, C, H, W and T in the order of the axes, such as \"NTHWC\"");

/// Reads what a model takes. `whole_window` tells whether one graph takes all samples of a window at once;
/// `name` is the name of the frame input.
///
/// # Errors
/// When a key is missing, wrong, or asks for more than [`limits`] allow.
pub fn read_input(
    section: &Section<'_>,
    whole_window: bool,
    name: Option<String>,
) -> Result<InputSpec, Error> {
    let frames = section.needed("frames", &Whole(1..=limits::FRAMES))?;
    let fps = section.needed("fps", &Number(limits::FPS.0, limits::FPS.1))?;
    let hop = section.get("hop", &Whole(1..=frames))?.unwrap_or(frames);
    let width = section.needed("width", &Whole(1..=limits::SIDE))?;
    let height = section.needed("height", &Whole(1..=limits::SIDE))?;
    let color = section.get("color", &COLORS)?.unwrap_or(Color::Rgb);
    let resize = section.get("resize", &RESIZES)?.unwrap_or(Resize::Stretch);
    let layout = Layout::parse(&section.needed("layout", &LAYOUT)?).map_err(|fault| {
        section.fault("layout", format!("N, C, H, W and T once each, but there is {}", brief(&fault)))
    })?;
    let dtype = section.needed("dtype", &DTYPES)?;
    if frames as f64 / fps > limits::WINDOW_SECONDS {
        return Err(section.conflict(
            format!("frames = {frames} with fps = {fps}, windows of {:.0} s", frames as f64 / fps),
            format!("windows of at most {} s: fewer frames or a higher fps", limits::WINDOW_SECONDS),
        ));
    }
    if whole_window && !layout.has_time() {
        let expected = "a layout with a time axis, such as NTHWC or N(TC)HW, for a clip graph";
        return Err(section.fault("layout", expected));
    }
    let mut input =
        InputSpec { frames, fps, hop, width, height, color, resize, layout, dtype, normalize: None, name };
    let samples = if whole_window { frames } else { 1 };
    let bytes = samples * input.frame_shape().len() * ElementType::from(dtype).bytes();
    if bytes > limits::TENSOR_BYTES {
        let unit = if whole_window { "window" } else { "sample" };
        return Err(section.conflict(
            format!("{bytes} bytes in a {unit} (frames, width, height and dtype together)"),
            format!("at most {}: smaller pictures or fewer of them", limits::TENSOR_BYTES),
        ));
    }
    input.normalize = read_normalize(section, &input)?;
    Ok(input)
}

/// Mean and deviation by channel, where they change anything.
fn read_normalize(section: &Section<'_>, input: &InputSpec) -> Result<Option<Normalize>, Error> {
    let count = input.channels();
    let mean = section.get("mean", &Numbers { count, above: None })?.unwrap_or_else(|| vec![0.0; count]);
    let std = section.get("std", &Numbers { count, above: Some(0.0) })?.unwrap_or_else(|| vec![1.0; count]);
    if mean.iter().all(|&m| m == 0.0) && std.iter().all(|&s| s == 1.0) {
        return Ok(None);
    }
    if input.dtype == Dtype::Uint8 {
        return Err(section.conflict(
            "mean or std beside dtype = \"uint8\"",
            "dtype \"float32\" or \"float16\", or no mean and std: bytes cannot be normalised",
        ));
    }
    let most = input.dtype.most();
    let largest = |(m, s): (&f32, &f32)| [0.0, 255.0].map(|byte: f32| ((byte - m) / s).abs());
    if let Some(value) = mean.iter().zip(&std).flat_map(largest).find(|&value| value > most) {
        return Err(section.conflict(
            format!("mean and std that turn a byte into {value}"),
            format!("values that {} can hold: mend mean or std", ElementType::from(input.dtype).name()),
        ));
    }
    Ok(Some((mean, std)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::model::document::Document;

    /// Reads a sound section with some keys replaced; `key = ` alone takes the key away.
    fn read(changes: &[&str], whole_window: bool) -> Result<InputSpec, Error> {
        let sound =
            ["frames = 4", "fps = 10", "width = 8", "height = 8", "layout = 'NTHWC'", "dtype = 'uint8'"];
        let key = |line: &str| line.split(" =").next().unwrap().to_owned();
        let kept = sound.iter().filter(|line| !changes.iter().any(|change| key(change) == key(line)));
        let lines = kept.chain(changes.iter().filter(|line| !line.ends_with("= ")));
        let text = format!("[input]\n{}", lines.copied().collect::<Vec<_>>().join("\n"));
        let document = Document::parse(text.as_bytes(), Path::new("model.toml"))?;
        read_input(&document.section("input")?, whole_window, None)
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let input = read(&[], true).unwrap();
        assert_eq!((input.hop, input.color, input.resize), (4, Color::Rgb, Resize::Stretch));
        assert_eq!(input.normalize, None);
        let input = read(&["dtype = 'float32'", "std = [2, 2, 2]"], true).unwrap();
        assert_eq!(input.normalize, Some((vec![0.0; 3], vec![2.0; 3])));
        assert_eq!(read(&["dtype = 'float32'", "mean = [0, 0, 0]"], true).unwrap().normalize, None);
        assert_eq!(read(&["color = 'gray'", "std = [1]"], true).unwrap().channels(), 1);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (changes, words) in [
            (&["frames = 0"][..], "input.frames: found 0 (a whole number"),
            (&["frames = 1_000_000_000"], "input.frames: found 1_000_000_000"),
            (&["frames = "], "input.frames: found nothing"),
            (&["hop = 5"], "1 to 4"),
            (&["fps = 0"], "0.001 to 1000"),
            (&["fps = nan"], "input.fps: found nan (a number"),
            (&["frames = 700", "fps = 1"], "windows of 700 s, expected windows of at most 600 s"),
            (&["width = 100000"], "input.width: found 100000"),
            (
                &["layout = 'NHWC'"],
                "input.layout: found 'NHWC' (text, line 7), expected a layout with a time axis",
            ),
            (&["layout = 'NTHWQ'"], "there is 'Q'"),
            (&["dtype = 'int8'"], "\"uint8\", \"float32\" or \"float16\""),
            (&["mean = [1, 2, 3]"], "bytes cannot be normalised"),
            (&["dtype = 'float32'", "mean = [1, 2]"], "input.mean: found [1, 2] (a list"),
            (&["dtype = 'float32'", "std = [1, 1, 0]"], "3 finite numbers above 0"),
            (&["dtype = 'float16'", "std = [1e-4, 1, 1]"], "values that float16 can hold"),
            (&["dtype = 'float32'", "std = [1e-40, 1, 1]"], "a byte into inf"),
            (&["frames = 1000", "width = 800", "height = 800"], "1920000000 bytes in a window"),
        ] {
            let fault = read(changes, true).unwrap_err().to_string();
            assert!(fault.contains(words), "{changes:?}: {fault}");
        }
        assert!(read(&["frames = 1000", "width = 800", "height = 800"], false).is_ok());
        let large = &["width = 8192", "height = 8192", "dtype = 'float32'"];
        let fault = read(large, false).unwrap_err().to_string();
        assert!(fault.contains("805306368 bytes in a sample"), "{fault}");
    }
}
