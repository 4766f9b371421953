//! From what the model said of a window to the value that metadata is written from.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    action::{ActionEvent, ActionLayer, ActionSettings, Dated, Linker, Moment, Numbers, WindowEvidence},
    classification::{ClassScore, Classification, Query, SampleBox, Tracklet},
    model::{Activation, Fit, Labels, Manifest, WindowOutput},
    object::ObjectId,
    timeline::AbsoluteTime,
};

/// One sample of a window: when it was, and how its frame was fitted into the model's input.
#[derive(Debug, Clone, Copy)]
pub struct SampleInfo {
    /// When the sampled frame was presented.
    pub moment: Moment,
    /// How its frame was fitted into the model's input.
    pub fit: Fit,
}

/// A window that was submitted.
#[derive(Debug, Clone)]
pub struct WindowInfo {
    /// Number of the window. Those of several objects over the same samples have the same.
    pub number: u64,
    /// The object that it shows, where objects have windows of their own.
    pub object: Option<ObjectId>,
    /// Its samples; fewer than the model takes where the last one is repeated.
    pub samples: Vec<SampleInfo>,
    /// Where the last of them ends, in nanoseconds of PTS.
    pub end: u64,
    /// When the first of them was by clocks outside of the stream.
    pub start_absolute: AbsoluteTime,
    /// Begin of the frames that it owns.
    pub owns_from: Dated,
    /// End of the frames that it owns, for all that is known when it closes.
    pub owns_to: Dated,
}

/// Interprets the windows of a stream in order.
#[derive(Debug)]
pub struct Interpreter {
    model: Arc<str>,
    labels: Labels,
    activation: Activation,
    /// Width and height of the frames that leave.
    size: (u32, u32),
    followed: BTreeMap<Option<ObjectId>, Followed>,
    tracklet_ids: Numbers,
    action_numbers: Numbers,
}

/// What is remembered of the windows before: of the whole picture or of one object.
#[derive(Debug)]
struct Followed {
    linker: Linker,
    actions: ActionLayer,
}

impl Interpreter {
    /// An interpreter at the start of a stream.
    #[must_use]
    pub fn new(manifest: &Manifest) -> Self {
        Self {
            model: Arc::from(manifest.name.as_str()),
            labels: manifest.labels.clone(),
            activation: manifest.outputs.activation,
            size: (0, 0),
            followed: BTreeMap::new(),
            tracklet_ids: Numbers::default(),
            action_numbers: Numbers::default(),
        }
    }

    /// Frames that leave are of another width and height from now on: boxes are measured in their pixels, also those of
    /// `latest`, the newest results so far.
    pub fn set_size<'a>(
        &mut self,
        size: (u32, u32),
        latest: impl IntoIterator<Item = &'a mut Classification>,
    ) {
        let before = std::mem::replace(&mut self.size, size);
        self.followed.values_mut().for_each(|followed| followed.linker.scale(before, size));
        let tracklets = latest.into_iter().flat_map(|latest| &mut latest.tracklets);
        tracklets.for_each(|tracklet| tracklet.scale(before, size));
    }

    /// Goes on with another model after the end of a grid. Numbers of actions and identities of tracklets count on.
    pub fn set_model(&mut self, manifest: &Manifest) {
        self.model = Arc::from(manifest.name.as_str());
        self.labels = manifest.labels.clone();
        self.activation = manifest.outputs.activation;
    }

    /// Name of the model.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Interprets the next window: its classification with the `top_k` best classes, and what became of
    /// the actions.
    pub fn window(
        &mut self,
        info: &WindowInfo,
        output: &WindowOutput,
        settings: &ActionSettings,
        top_k: usize,
    ) -> (Classification, Vec<ActionEvent>) {
        let evidence = WindowEvidence {
            scores: &output.scores,
            shares: self.activation.makes_shares(&output.scores),
            start: info.owns_from,
            end: info.owns_to,
        };
        let mut tracklets = self.tracklets(info, output);
        let followed = self.followed.entry(info.object).or_insert_with(|| Followed {
            linker: Linker::sharing(self.tracklet_ids.clone()),
            actions: ActionLayer::sharing(self.labels.clone(), info.object, self.action_numbers.clone()),
        });
        let events = followed.actions.push(settings, &evidence);
        followed.linker.link(&mut tracklets);
        let top = self.top(&output.scores, top_k);
        let samples: Vec<u64> = info.samples.iter().map(|sample| sample.moment.pts).collect();
        let classification = Classification {
            model: Arc::clone(&self.model),
            object: info.object,
            window: info.number,
            start: samples.first().copied().unwrap_or_default(),
            start_absolute: info.start_absolute,
            end: info.end,
            background: top.first().is_some_and(|best| self.labels.is_background(best.label_id as usize)),
            samples,
            top,
            tracklets,
        };
        (classification, events)
    }

    /// The grid ended: the last frames lie before `until`. Ends the running actions.
    pub fn end_of_grid(&mut self, until: Option<Dated>) -> Vec<ActionEvent> {
        let followed = std::mem::take(&mut self.followed).into_values();
        followed.flat_map(|mut followed| followed.actions.reset(until)).collect()
    }

    /// An object is not followed any more from `until` on. Ends its running action.
    pub fn end_of_object(&mut self, object: ObjectId, until: Option<Dated>) -> Vec<ActionEvent> {
        let followed = self.followed.remove(&Some(object));
        followed.map(|mut followed| followed.actions.reset(until)).unwrap_or_default()
    }

    fn tracklets(&self, info: &WindowInfo, output: &WindowOutput) -> Vec<Tracklet> {
        let tracklets = output.tracklets.iter().map(|tracklet| {
            let values = tracklet.boxes.iter().zip(&tracklet.relevance);
            let boxes = info.samples.iter().zip(values).map(|(sample, (area, &relevance))| SampleBox {
                pts: sample.moment.pts,
                area: sample.fit.to_frame(area).scaled(sample.fit.frame(), self.size),
                relevance,
            });
            let query = tracklet.query.and_then(|id| {
                Some(Query { label: Arc::clone(self.labels.name(id)?), label_id: u32::try_from(id).ok()? })
            });
            Tracklet { id: 0, first_seen: 0, query, boxes: boxes.collect() }
        });
        tracklets.collect()
    }

    fn top(&self, scores: &[f32], count: usize) -> Vec<ClassScore> {
        let mut order: Vec<usize> = (0..scores.len()).collect();
        // The sort is stable: of equal scores the lower id comes first.
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let classes = order.into_iter().take(count.max(1)).filter_map(|id| {
            Some(ClassScore {
                label: Arc::clone(self.labels.name(id)?),
                label_id: u32::try_from(id).ok()?,
                score: scores[id],
            })
        });
        classes.collect()
    }
}
