//! The source pad's task of `artclassify`: lets what waits leave, with what its windows brought about.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use gst::{prelude::*, subclass::prelude::*};

use super::{
    CAT,
    choices::Roi,
    imp::{ArtClassify, lock},
    interpret::{Interpreter, WindowInfo},
    line::{Classified, Item, Leaving},
};
use crate::{
    action::{ActionEvent, Dated},
    classification::Classification,
    engine::Stream,
    error,
    meta::{self, FrameSize, MarkedObject},
    object::ObjectId,
};

/// What the source pad's task knows.
pub(super) struct Writer {
    /// What turns windows into results.
    pub(super) interpreter: Interpreter,
    /// The newest result that frames carry: of the whole picture, or of each object.
    pub(super) latest: BTreeMap<Option<ObjectId>, Classification>,
    /// Size of the frames that leave.
    pub(super) size: FrameSize,
    /// What windows show.
    pub(super) roi: Roi,
}

impl Writer {
    /// What a frame shows that can have a result: the whole picture, `None`, or the objects that are marked on it.
    fn shown(&self, buffer: &gst::BufferRef) -> Vec<Option<MarkedObject>> {
        match self.roi {
            Roi::Frame => vec![None],
            Roi::Meta => meta::objects(buffer).into_iter().map(Some).collect(),
        }
    }

    /// Frames that leave are of another format from now on.
    pub(super) fn set_info(&mut self, info: &gst_video::VideoInfo) {
        self.size = FrameSize::from(info);
        self.interpreter.set_size((info.width(), info.height()), self.latest.values_mut());
    }
}

impl ArtClassify {
    /// Starts the task, or lets it go on.
    pub(super) fn start_task(&self) -> Result<(), gst::LoggableError> {
        let element = self.obj().downgrade();
        let task = move || {
            if let Some(element) = element.upgrade() {
                element.imp().leave();
            }
        };
        self.srcpad.start_task(task).map_err(Into::into)
    }

    /// One turn of the source pad's task: lets the next item leave.
    fn leave(&self) {
        let flow = self.outlet.next().and_then(|leaving| {
            let flow = self.let_leave(leaving).inspect_err(|&flow| {
                self.outlet.stop(flow);
                error::of_flow(flow).into_iter().for_each(|message| self.post_error_message(message));
            });
            self.outlet.left();
            // Events go on after the end of the stream.
            flow.or_else(|flow| if flow == gst::FlowError::Eos { Ok(()) } else { Err(flow) })
        });
        let Err(flow) = flow else { return };
        gst::debug!(CAT, imp = self, "pausing: {flow:?}");
        // The pad is being stopped where this fails.
        let _ = self.srcpad.pause_task();
    }

    /// Pushes an item behind what its windows brought about. Only one thread does so at a time: the one that the outlet
    /// gave the item to.
    pub(super) fn let_leave(&self, leaving: Leaving) -> Result<(), gst::FlowError> {
        // Nobody else looks for the writer meanwhile: a flush waits for the turn to end.
        let mut writer = lock(&self.writer).take().ok_or(gst::FlowError::Flushing)?;
        self.post_dropped(&leaving.abandoned);
        let found = self.interpret(&leaving.settled, &mut writer);
        let flow = self.push_item(leaving.item, found, &mut writer);
        *lock(&self.writer) = Some(writer);
        flow
    }

    /// Turns windows into results.
    fn interpret(
        &self,
        settled: &[Classified],
        writer: &mut Writer,
    ) -> Vec<(Classification, Vec<ActionEvent>)> {
        if settled.is_empty() {
            return Vec::new();
        }
        let (action, top_k) = {
            let settings = lock(&self.settings);
            (settings.action, settings.top_k as usize)
        };
        let found =
            settled.iter().map(|(info, output)| writer.interpreter.window(info, output, &action, top_k));
        found.collect()
    }

    /// Tells the application of windows that were dropped.
    pub(super) fn post_dropped(&self, windows: &[WindowInfo]) {
        for info in windows {
            let (Some(first), Some(last)) = (info.samples.first(), info.samples.last()) else { continue };
            let tally = self.outlet.tally();
            let time = gst::ClockTime::from_nseconds;
            let count = gst::format::Default::from_u64;
            let message = gst::message::Qos::builder(lock(&self.pace).live() == Some(true))
                .running_time(time(first.moment.running_time))
                .timestamp(time(first.moment.pts))
                .duration(time(last.moment.pts.saturating_sub(first.moment.pts)))
                .stats(count(tally.results), count(tally.dropped))
                .src(&*self.obj())
                .build();
            // Fails only where no application listens.
            let _ = self.obj().post_message(message);
        }
    }

    fn push_item(
        &self,
        item: Item,
        found: Vec<(Classification, Vec<ActionEvent>)>,
        writer: &mut Writer,
    ) -> Result<(), gst::FlowError> {
        let shown = match &item {
            Item::Frame { buffer, owner: Some(_), .. } => writer.shown(buffer),
            _ => Vec::new(),
        };
        let firsts = self.announce_windows(found, &shown, writer);
        match item {
            Item::Frame { mut buffer, .. } => {
                for mark in shown {
                    let object = mark.map(|mark| mark.id);
                    if let Some(classification) = writer.latest.get(&object) {
                        let first = firsts.contains(&object);
                        buffer = self.write(buffer, classification, writer.size, first, mark)?;
                    }
                }
                self.srcpad.push(buffer).map(|_| ())
            }
            Item::Event(event) => {
                if let gst::EventView::Caps(caps) = event.view()
                    && let Ok(info) = gst_video::VideoInfo::from_caps(caps.caps())
                {
                    writer.set_info(&info);
                }
                self.srcpad.push_event(event);
                Ok(())
            }
            Item::GridEnd { until, .. } => {
                writer.latest.clear();
                for event in writer.interpreter.end_of_grid(until) {
                    self.push_action(&event, writer.interpreter.model());
                }
                Ok(())
            }
            Item::ObjectGone { object, last, until, before } => {
                drop_elsewhere(before);
                self.end_object(object, last, until, writer);
                Ok(())
            }
            Item::Model { manifest, before } => {
                writer.interpreter.set_model(&manifest);
                drop_elsewhere(before);
                Ok(())
            }
        }
    }

    /// Tells what windows brought about, and makes them the newest results. Says of which objects, or of the whole picture,
    /// the frame shows the newest for the first time; other windows go down the stream by themselves.
    fn announce_windows(
        &self,
        found: Vec<(Classification, Vec<ActionEvent>)>,
        shown: &[Option<MarkedObject>],
        writer: &mut Writer,
    ) -> Vec<Option<ObjectId>> {
        let mut firsts = Vec::new();
        let mut found = VecDeque::from(found);
        while let Some((classification, events)) = found.pop_front() {
            events.iter().for_each(|event| self.push_action(event, writer.interpreter.model()));
            let object = classification.object;
            let newest = found.iter().all(|(later, _)| later.object != object);
            if newest && shown.iter().any(|mark| mark.map(|mark| mark.id) == object) {
                firsts.push(object);
            } else {
                self.push_window(&classification, writer.size);
            }
            writer.latest.insert(object, classification);
        }
        firsts
    }

    /// An object is not followed any more, whose last window may be `last`: ends its action. It may have come back, with
    /// later windows that frames before this carry.
    fn end_object(&self, object: ObjectId, last: Option<u64>, until: Option<Dated>, writer: &mut Writer) {
        if writer.latest.get(&Some(object)).is_some_and(|latest| Some(latest.window) > last) {
            return;
        }
        writer.latest.remove(&Some(object));
        for event in writer.interpreter.end_of_object(object, until) {
            self.push_action(&event, writer.interpreter.model());
        }
    }

    fn push_action(&self, event: &ActionEvent, model: &str) {
        self.post_action(event, model);
        let structure = meta::action_structure(event, model);
        self.srcpad.push_event(gst::event::CustomDownstream::new(structure));
    }

    /// Sends a window that no frame carries down the stream by itself.
    fn push_window(&self, classification: &Classification, size: FrameSize) {
        let structure = meta::window_structure(classification, size);
        self.srcpad.push_event(gst::event::CustomDownstream::new(structure));
    }

    fn write(
        &self,
        mut buffer: gst::Buffer,
        classification: &Classification,
        size: FrameSize,
        first: bool,
        object: Option<MarkedObject>,
    ) -> Result<gst::Buffer, gst::FlowError> {
        let pts = buffer.pts();
        meta::write(buffer.make_mut(), classification, size, pts, first, object).map_err(|fault| {
            gst::element_imp_error!(self, gst::CoreError::Failed, ["cannot write metadata: {fault}"]);
            gst::FlowError::Error
        })?;
        Ok(buffer)
    }

    /// Tells the application of an action.
    pub(super) fn post_action(&self, event: &ActionEvent, model: &str) {
        let structure = meta::action_structure(event, model);
        let message = gst::message::Element::builder(structure).src(&*self.obj()).build();
        // Fails only where no application listens.
        let _ = self.obj().post_message(message);
    }
}

/// Lets go of a stream to a model. A run under way, or the end of the model's thread, takes its time, which no frame waits
/// for. Where the system gives no thread, it ends here.
fn drop_elsewhere(stream: Arc<Stream>) {
    let _ = std::thread::Builder::new().spawn(move || drop(stream));
}
