//! How large a model may be in what it declares and gives. Sizes beyond these are faults of a manifest or a
//! graph, and are refused before memory is taken for them.

/// Most samples in a window.
pub const FRAMES: usize = 8192;

/// Most columns and most rows of a sample.
pub const SIDE: usize = 8192;

/// Most bytes in one tensor: a window of samples, encoded samples, an output.
pub const TENSOR_BYTES: usize = 512 << 20;

/// Slowest and fastest rate of samples, in samples a second.
pub const FPS: (f64, f64) = (0.001, 1000.0);

/// Longest window, in seconds. Frames wait for about half of it.
pub const WINDOW_SECONDS: f64 = 600.0;

/// Most labels.
pub const LABELS: usize = 65_536;

/// Longest label or name, in characters.
pub const NAME: usize = 500;

/// Most regions in a window. Linking them to those of the window before takes time with their third power.
pub const REGIONS: usize = 256;

/// How far from the picture a box may reach, in widths and heights of the picture.
pub const BOX_REACH: f32 = 32.0;

/// Largest manifest, in bytes.
pub const MANIFEST_BYTES: u64 = 1 << 20;

/// Largest labels file, in bytes.
pub const LABELS_BYTES: u64 = 64 << 20;
