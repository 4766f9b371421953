//! The windows of the objects that upstream marks on frames: a stream of crops for each.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::convert::FrameConverter;
use crate::{
    classification::PixelBox,
    engine::{Sample, Stream, Waiting},
    error::Error,
    meta::{self, MarkedObject},
    model::{Fit, InputSpec, Slots, Tensor},
    object::{ObjectId, Presence},
};

/// What gives an object a stream of its own to the model.
pub type Join = Box<dyn Fn(Option<ObjectId>) -> Arc<Stream> + Send>;

/// What was counted of objects.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct ObjectCounts {
    /// Objects that were followed.
    pub objects: u64,
    /// Those that had to make room for another.
    pub evicted: u64,
    /// Objects that found no room.
    pub refused: u64,
}

/// An object that is not followed any more.
pub type Gone = (ObjectId, Arc<Stream>);

/// The objects in the picture.
pub struct Objects {
    presence: Presence,
    tracks: BTreeMap<ObjectId, Track>,
    /// Those at the last sample.
    visible: Vec<ObjectId>,
    join: Join,
    frames: usize,
    counts: ObjectCounts,
}

struct Track {
    stream: Arc<Stream>,
    /// How the frames of the last samples were fitted, as many as a window has.
    fits: VecDeque<Fit>,
}

impl Track {
    /// A track that starts in the middle of a window: the samples before repeat the first.
    fn new(stream: Arc<Stream>, frame: Arc<Tensor>, fit: Fit, frames: usize) -> Self {
        stream.sample(Sample::Frame(frame));
        (1..frames).for_each(|_| stream.sample(Sample::Repeat));
        Self { stream, fits: VecDeque::from(vec![fit; frames]) }
    }

    fn sample(&mut self, crop: Option<(Arc<Tensor>, Fit)>) {
        let (sample, fit) = match crop {
            Some((frame, fit)) => (Sample::Frame(frame), Some(fit)),
            None => (Sample::Repeat, self.fits.back().copied()),
        };
        self.fits.pop_front();
        self.fits.extend(fit);
        self.stream.sample(sample);
    }
}

impl Objects {
    /// Room for `most` objects of a model whose windows have `frames` samples.
    pub fn new(most: usize, frames: usize, join: Join) -> Self {
        Self {
            presence: Presence::new(most, frames),
            tracks: BTreeMap::new(),
            visible: Vec::new(),
            join,
            frames,
            counts: ObjectCounts::default(),
        }
    }

    /// What was counted.
    pub fn counts(&self) -> ObjectCounts {
        self.counts
    }

    /// Takes the next sample of each object from a frame, or repeats the samples before. Gives the objects that are not
    /// followed any more.
    ///
    /// # Errors
    /// When the frame cannot be read.
    pub fn sample(
        &mut self,
        frame: Option<&gst::BufferRef>,
        info: &gst_video::VideoInfo,
        input: &InputSpec,
        slots: &mut Slots,
    ) -> Result<Vec<Gone>, Error> {
        let mut areas = BTreeMap::new();
        if let Some(frame) = frame {
            let inside = |area: PixelBox| area.clipped((info.width(), info.height()));
            // A region outside of the picture shows nothing of its object.
            let marked =
                meta::objects(frame).into_iter().filter(|mark| inside(mark.area).w * inside(mark.area).h > 0);
            areas.extend(marked.map(|MarkedObject { id, area, .. }| (id, area)));
            self.visible = areas.keys().copied().collect();
        }
        let mut crop = |id: ObjectId| -> Result<Option<(Arc<Tensor>, Fit)>, Error> {
            let (Some(frame), Some(&area)) = (frame, areas.get(&id)) else { return Ok(None) };
            let Some(mut converter) = FrameConverter::for_region(info, input, area)? else { return Ok(None) };
            Ok(Some((converter.convert(frame, slots)?, converter.fit())))
        };
        let seen = self.presence.sample(&self.visible);
        self.counts.evicted += seen.evicted;
        self.counts.refused += seen.refused;
        self.counts.objects += seen.joined.len() as u64;
        let gone = self.leave(&seen.gone);
        for (id, track) in &mut self.tracks {
            track.sample(crop(*id)?);
        }
        for id in seen.joined {
            let Some((frame, fit)) = crop(id)? else { continue };
            let track = Track::new((self.join)(Some(id)), frame, fit, self.frames);
            self.tracks.insert(id, track);
        }
        Ok(gone)
    }

    fn leave(&mut self, gone: &[ObjectId]) -> Vec<Gone> {
        let tracks = gone.iter().filter_map(|id| Some((*id, self.tracks.remove(id)?)));
        let streams = tracks.map(|(id, track)| {
            // What no window waits for is not encoded any more.
            track.stream.new_grid();
            (id, track.stream)
        });
        streams.collect()
    }

    /// Forgets all objects, and what waits of them.
    pub fn abandon(&mut self) {
        // All at once, so that a run which several of them share is waited for but once.
        self.tracks.values().for_each(|track| track.stream.begin(u64::MAX));
        self.tracks.clear();
        self.visible.clear();
        self.presence.clear();
    }

    /// Counts on from where another model's objects were counted to.
    pub fn count_on(&mut self, counts: ObjectCounts) {
        self.counts = counts;
    }

    /// The objects that have a window over the last `taken` samples, and how their frames were fitted.
    pub fn in_window(&self, taken: usize) -> impl Iterator<Item = (ObjectId, &VecDeque<Fit>)> {
        self.presence.in_window(taken).filter_map(|id| self.tracks.get(&id).map(|track| (id, &track.fits)))
    }

    /// Classifies the last samples of an object. Says which waiting window of it that takes the place of.
    pub fn window(&self, id: ObjectId, number: u64, samples: usize, waiting: Waiting) -> Option<u64> {
        self.tracks.get(&id).and_then(|track| track.stream.window(number, samples, waiting))
    }

    /// The grid ended: nobody is followed any more.
    pub fn end(&mut self) -> Vec<Gone> {
        self.visible.clear();
        let gone = self.presence.clear();
        self.leave(&gone)
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        self.abandon();
    }
}
