//! Which frames are sampled, which samples make a window, and which window owns a frame. Pure.
//!
//! Samples lie on a grid in running time, `s_n = s_0 + n / fps`, where `s_0` is the first frame after a
//! reset. Window `k` is the samples `[k * hop, k * hop + frames)`. [`Windower`] is the whole machine, [`Grid`]
//! and [`WindowPlan`] are its parts.

mod grid;
mod plan;
mod windower;

pub use grid::{FrameTime, Grid, GridSettings, MOST_SAMPLES, Reset, Sampled, Step};
pub use plan::WindowPlan;
pub use windower::{Decision, GridEnd, Ownership, Source, Taken, Window, Windower};
