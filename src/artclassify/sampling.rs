//! From what the windower decided to samples and windows of the model.

use std::{collections::VecDeque, time::Instant};

use super::{
    intake::{Intake, Notice, Refusal, Target},
    interpret::{SampleInfo, WindowInfo},
    objects::Objects,
};
use crate::{
    engine::Sample,
    model::Fit,
    object::ObjectId,
    window::{Decision, GridEnd, Source, Window},
};

impl Intake {
    /// Does what was decided. The frame before is let go of as soon as it is sampled or a window is complete, with whose
    /// result it may leave: by then nobody else should hold it.
    pub(super) fn obey(
        &mut self,
        decisions: impl IntoIterator<Item = Decision>,
        mut previous: Option<gst::Buffer>,
        current: Option<&gst::Buffer>,
        target: &Target<'_>,
    ) -> Result<(), Refusal> {
        for decision in decisions {
            self.at_boundary = false;
            match decision {
                Decision::GridEnded(end) => self.end_grid(end, target),
                Decision::Sample(Source::Previous) => self.sample(previous.take().as_ref(), target)?,
                Decision::Sample(Source::Current) => self.sample(current, target)?,
                Decision::Sample(Source::Repeat) => self.sample(None, target)?,
                Decision::Window(window) => {
                    previous = None;
                    self.submit(window, target);
                }
            }
        }
        Ok(())
    }

    pub(super) fn end_grid(&mut self, end: GridEnd, target: &Target<'_>) {
        let until = end.until.map(|until| self.references.date(until));
        if let Some(reset) = end.reset {
            self.references.clear();
            self.counts.resets += 1;
            gst::info!(super::CAT, "new sample grid: {reset:?}");
        }
        self.fits.clear();
        self.slots.clear();
        self.at_boundary = true;
        for (object, stream) in self.objects.as_mut().map(Objects::end).unwrap_or_default() {
            target.outlet.end_object(object, until, stream);
        }
        target.outlet.end_grid(end.last, until);
        target.stream.new_grid();
    }

    /// Takes the next sample from a frame, or repeats the sample before.
    fn sample(&mut self, frame: Option<&gst::Buffer>, target: &Target<'_>) -> Result<(), Refusal> {
        let Some(converter) = &mut self.converter else {
            return Err(Refusal::NoCaps);
        };
        self.counts.samples += 1;
        let started = Instant::now();
        if let Some(objects) = &mut self.objects {
            let frame = frame.map(AsRef::as_ref);
            let gone = objects.sample(frame, converter.info(), &self.input, &mut self.slots);
            self.stats.preprocessed(started.elapsed());
            for (object, stream) in gone.map_err(Refusal::Fault)? {
                target.outlet.end_object(object, None, stream);
            }
            return Ok(());
        }
        if self.fits.len() == self.input.frames {
            self.fits.pop_front();
        }
        self.fits.push_back(converter.fit());
        match frame {
            Some(frame) => {
                let frame = converter.convert(frame, &mut self.slots).map_err(Refusal::Fault)?;
                self.stats.preprocessed(started.elapsed());
                target.stream.sample(Sample::Frame(frame));
            }
            None => target.stream.sample(Sample::Repeat),
        }
        Ok(())
    }

    /// Submits a window.
    pub(super) fn submit(&mut self, window: Window, target: &Target<'_>) {
        let Window { number, samples, taken, owns_from, owns_to } = window;
        let repeats = samples[..taken].windows(2).filter(|pair| pair[0] == pair[1]).count();
        if repeats * 4 > samples.len() {
            self.notice(Notice::SlowSource);
        }
        let start_absolute =
            samples.first().map(|&first| self.references.absolute(first)).unwrap_or_default();
        let end = samples.last().map_or(0, |last| last.pts.saturating_add(self.windower.sample_period()));
        let (owns_from, owns_to) = (self.references.date(owns_from), self.references.date(owns_to));
        let info = |object: Option<ObjectId>, fits: &VecDeque<Fit>| {
            let own = fits.iter().skip(fits.len().saturating_sub(taken));
            let fits = own.chain(fits.back().into_iter().cycle());
            let samples = samples.iter().zip(fits).map(|(&moment, &fit)| SampleInfo { moment, fit });
            let samples = samples.collect();
            WindowInfo { number, object, samples, end, start_absolute, owns_from, owns_to }
        };
        self.at_boundary = true;
        let Some(objects) = &self.objects else {
            target.outlet.submit(number, [info(None, &self.fits)]);
            if let Some(replaced) = target.stream.window(number, taken, target.waiting) {
                self.dropped.extend(target.outlet.drop_window((replaced, None)));
            }
            return;
        };
        target.outlet.submit(number, objects.in_window(taken).map(|(id, fits)| info(Some(id), fits)));
        for (id, _) in objects.in_window(taken) {
            if let Some(replaced) = objects.window(id, number, taken, target.waiting) {
                self.dropped.extend(target.outlet.drop_window((replaced, Some(id))));
            }
        }
    }
}
