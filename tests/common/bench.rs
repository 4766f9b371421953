//! A harness around `artclassify` with the models of `tests/fixtures`, which tell the colour of solid pictures.

use std::path::{Path, PathBuf};

use gst::prelude::*;
use gstartclassify::{
    action::ActionState,
    meta::{self, FrameResult},
};

pub const SECOND: u64 = 1_000_000_000;

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/colours").join(name)
}

/// A stretch of frames of one colour.
#[derive(Clone, Copy)]
pub struct Shot {
    pub color: [u8; 3],
    pub frames: u64,
}

pub const RED: [u8; 3] = [255, 0, 0];
pub const GREEN: [u8; 3] = [0, 255, 0];
pub const BLUE: [u8; 3] = [0, 0, 255];

pub fn shot(color: [u8; 3], frames: u64) -> Shot {
    Shot { color, frames }
}

/// Every window ended in one way.
pub fn assert_all_windows_are_counted(stats: &gst::Structure) {
    let count = |name| stats.get::<u64>(name).unwrap();
    let ended = count("results") + count("dropped") + count("flushed");
    assert_eq!(count("windows"), ended + count("waiting"), "{stats}");
}

/// Resident memory, in MB.
pub fn resident() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: f64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096.0 / 1e6
}

/// One frame that left the element.
#[derive(Debug)]
pub struct Out {
    pub pts: Option<u64>,
    pub result: Option<FrameResult>,
    pub bytes: Vec<u8>,
}

/// A harness with the element, at 30 frames a second in RGB.
pub struct Bench {
    pub harness: gst_check::Harness,
    pub size: (u32, u32),
    pub rate: gst::Fraction,
    pub frame: u64,
}

impl Bench {
    pub fn new(properties: &str) -> Self {
        Self::with_size(properties, (33, 20))
    }

    pub fn with_size(properties: &str, size: (u32, u32)) -> Self {
        Self::with(properties, size, gst::Fraction::new(30, 1))
    }

    pub fn with_rate(properties: &str, rate: (i32, i32)) -> Self {
        Self::with(properties, (33, 20), gst::Fraction::new(rate.0, rate.1))
    }

    fn with(properties: &str, size: (u32, u32), rate: gst::Fraction) -> Self {
        super::init();
        let element = gst::parse::launch(&format!("artclassify {properties}")).unwrap();
        let mut harness = gst_check::Harness::with_element(&element, Some("sink"), Some("src"));
        harness.set_live(false);
        let mut bench = Self { harness, size, rate, frame: 0 };
        bench.send_caps();
        bench.harness.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
        bench
    }

    pub fn info(&self) -> gst_video::VideoInfo {
        gst_video::VideoInfo::builder(gst_video::VideoFormat::Rgb, self.size.0, self.size.1)
            .fps(self.rate)
            .build()
            .unwrap()
    }

    /// PTS of a frame, in nanoseconds.
    pub fn time_of(&self, frame: u64) -> u64 {
        frame * SECOND * self.rate.denom() as u64 / self.rate.numer() as u64
    }

    /// The bus of the element.
    pub fn bus(&self) -> gst::Bus {
        let bus = gst::Bus::new();
        self.harness.element().unwrap().set_bus(Some(&bus));
        bus
    }

    /// The property `stats`.
    pub fn stats(&self) -> gst::Structure {
        self.harness.element().unwrap().property("stats")
    }

    /// A number of the property `stats`.
    pub fn stat(&self, name: &str) -> u64 {
        self.stats().get(name).unwrap()
    }

    pub fn send_caps(&mut self) {
        let caps = self.info().to_caps().unwrap();
        if self.frame == 0 {
            self.harness.set_src_caps(caps);
        } else {
            self.harness.push_event(gst::event::Caps::new(&caps));
        }
    }

    pub fn buffer(&self, color: [u8; 3], pts: Option<u64>) -> gst::Buffer {
        let info = self.info();
        let stride = info.stride()[0] as usize;
        let mut bytes = vec![0x55; info.size()];
        for row in bytes.chunks_mut(stride) {
            for pixel in row[..self.size.0 as usize * 3].chunks_mut(3) {
                pixel.copy_from_slice(&color);
            }
        }
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        let frame = buffer.get_mut().unwrap();
        frame.set_pts(pts.map(gst::ClockTime::from_nseconds));
        frame.set_duration(gst::ClockTime::from_nseconds(self.time_of(1)));
        buffer
    }

    pub fn push(&mut self, shots: &[Shot]) {
        for shot in shots {
            for _ in 0..shot.frames {
                let pts = self.time_of(self.frame);
                self.frame += 1;
                assert_eq!(self.harness.push(self.buffer(shot.color, Some(pts))), Ok(gst::FlowSuccess::Ok));
            }
        }
    }

    /// Ends the stream and takes all that left the element, in order of frames and in order of events.
    pub fn finish(mut self) -> (Vec<Out>, Vec<gst::Event>) {
        self.harness.push_event(gst::event::Eos::new());
        let mut events = Vec::new();
        loop {
            let event = self.harness.pull_event().unwrap();
            let last = event.type_() == gst::EventType::Eos;
            events.push(event);
            if last {
                break;
            }
        }
        let frames = std::iter::from_fn(|| self.harness.try_pull()).map(|buffer| Out {
            pts: buffer.pts().map(|pts| pts.nseconds()),
            result: meta::read(&buffer),
            bytes: buffer.map_readable().unwrap().to_vec(),
        });
        (frames.collect(), events)
    }
}

pub fn model(form: &str) -> String {
    format!("model={}", fixture(form).display())
}

pub fn results(frames: &[Out]) -> Vec<Option<&FrameResult>> {
    frames.iter().map(|out| out.result.as_ref()).collect()
}

pub fn actions(events: &[gst::Event]) -> Vec<(ActionState, String)> {
    let structures = events.iter().filter_map(|event| event.structure());
    let records = structures.filter_map(meta::read_action);
    records.map(|record| (record.event.state, record.event.class.label.to_string())).collect()
}
