//! What the sink pad of `artclassify` does with frames and events.

use gst::{prelude::*, subclass::prelude::*};

use super::{
    CAT,
    imp::{ArtClassify, lock},
    intake::{Intake, Notice, Refusal, Target},
    line::Item,
};
use crate::engine::Stream;
use std::sync::Arc;

impl ArtClassify {
    pub(super) fn stream(&self) -> Result<Arc<Stream>, gst::FlowError> {
        lock(&self.stream).clone().ok_or(gst::FlowError::Flushing)
    }

    pub(super) fn sink_chain(&self, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        self.swap_if_ready();
        if lock(&self.pace).live().is_none() {
            self.ask_upstream();
        }
        let gap_tolerance = lock(&self.settings).gap_tolerance;
        let (taken, running_time) = self.with_intake(|intake, target| {
            let running_time = intake.running_time(&buffer);
            (intake.frame(&buffer, target, gap_tolerance), running_time)
        })?;
        let owner = self.unless_refused(taken)?;
        let due = {
            let pace = lock(&self.pace);
            let age =
                running_time.filter(|_| pace.counts_age()).and_then(|running_time| self.age(running_time));
            pace.due(age)
        };
        self.add(Item::Frame { buffer, owner, due }).map(|()| gst::FlowSuccess::Ok)
    }

    /// Lets the intake do something, counts it, and tells the user what it noticed.
    fn with_intake<T>(&self, act: impl FnOnce(&mut Intake, &Target<'_>) -> T) -> Result<T, gst::FlowError> {
        let stream = self.stream()?;
        let (waiting, live) = {
            let pace = lock(&self.pace);
            (pace.waiting(), pace.live() == Some(true))
        };
        let target = Target { stream: &stream, outlet: &self.outlet, waiting };
        let mut guard = lock(&self.intake);
        let intake = guard.as_mut().ok_or(gst::FlowError::Flushing)?;
        intake.set_live(live);
        let done = act(intake, &target);
        let (notices, dropped) = (intake.take_notices(), intake.take_dropped());
        intake.count();
        drop(guard);
        self.post_dropped(&dropped);
        notices.into_iter().for_each(|notice| self.tell(notice));
        Ok(done)
    }

    fn unless_refused<T>(&self, taken: Result<T, Refusal>) -> Result<T, gst::FlowError> {
        taken.map_err(|refusal| match refusal {
            Refusal::NoCaps => gst::FlowError::NotNegotiated,
            Refusal::Fault(fault) => {
                self.post_error_message(fault.to_message());
                gst::FlowError::Error
            }
        })
    }

    /// How long ago the pipeline's clock reached a running time, in nanoseconds.
    fn age(&self, running_time: gst::ClockTime) -> Option<i64> {
        let now = self.obj().current_running_time()?.nseconds();
        i64::try_from(i128::from(now) - i128::from(running_time.nseconds())).ok()
    }

    fn tell(&self, notice: Notice) {
        match notice {
            Notice::NoTimestamps => gst::element_imp_warning!(
                self,
                gst::StreamError::Format,
                ("frames without a time stamp pass unclassified; let the source stamp them (do-timestamp=true)")
            ),
            Notice::Reverse => gst::element_imp_warning!(
                self,
                gst::StreamError::NotImplemented,
                ("video that plays backwards passes unclassified")
            ),
            Notice::SlowSource => gst::element_imp_warning!(
                self,
                gst::StreamError::Format,
                ("the source has fewer frames a second than the model takes samples: frames are repeated, and \
                     scores may suffer")
            ),
        }
    }

    /// Puts an item in line behind those before it. One that nothing holds up leaves at once, on the streaming thread.
    pub(super) fn add(&self, item: Item) -> Result<(), gst::FlowError> {
        let Some(leaving) = self.outlet.add(item)? else { return Ok(()) };
        let flow = self.let_leave(leaving);
        if let Err(flow) = flow {
            self.outlet.stop(flow);
        }
        self.outlet.left();
        flow
    }

    fn enqueue(&self, event: gst::Event) -> Result<gst::FlowSuccess, gst::FlowError> {
        self.add(Item::Event(event)).map(|()| gst::FlowSuccess::Ok)
    }

    /// Takes an event. Upstream sends a sticky one again that was refused because of a flush.
    pub(super) fn sink_event(
        &self,
        pad: &gst::Pad,
        event: gst::Event,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        gst::log!(CAT, obj = pad, "{event:?}");
        let passed =
            |passed: bool| if passed { Ok(gst::FlowSuccess::Ok) } else { Err(gst::FlowError::Error) };
        match event.view() {
            gst::EventView::FlushStart(_) => {
                self.close();
                let pushed = self.srcpad.push_event(event);
                // Waits for the task's turn to end. A task that was only paused would leak what it is started with again.
                let _ = self.srcpad.stop_task();
                passed(pushed)
            }
            gst::EventView::FlushStop(_) => {
                self.restart();
                passed(self.srcpad.push_event(event) && self.start_task().is_ok())
            }
            gst::EventView::StreamStart(_) => {
                let eos = lock(&self.settings).eos;
                self.with_intake(|intake, target| intake.new_stream(eos, target))?;
                self.enqueue(event)
            }
            gst::EventView::Caps(caps) => match gst_video::VideoInfo::from_caps(caps.caps()) {
                Ok(info) => {
                    self.set_info(&info)?;
                    self.enqueue(event)
                }
                Err(fault) => {
                    let caps = caps.caps();
                    gst::element_imp_error!(self, gst::StreamError::Format, ["caps {caps}: {fault}"]);
                    Err(gst::FlowError::NotNegotiated)
                }
            },
            gst::EventView::Segment(segment) => match segment.segment().downcast_ref::<gst::ClockTime>() {
                Some(segment) => {
                    self.with_intake(|intake, _| intake.set_segment(segment.clone()))?;
                    self.enqueue(event)
                }
                None => {
                    let format = segment.segment().format();
                    gst::element_imp_error!(
                        self,
                        gst::StreamError::Format,
                        ["segment: found format {format:?}, expected time"]
                    );
                    Err(gst::FlowError::Error)
                }
            },
            gst::EventView::Gap(gap) => {
                let (start, duration) = gap.get();
                let taken = self.with_intake(|intake, target| intake.gap(start, duration, target))?;
                self.unless_refused(taken)?;
                self.enqueue(event)
            }
            gst::EventView::Eos(_) | gst::EventView::SegmentDone(_) => {
                let eos = lock(&self.settings).eos;
                self.with_intake(|intake, target| intake.end(eos, target))?;
                self.enqueue(event)
            }
            _ if event.is_serialized() => self.enqueue(event),
            _ => passed(gst::Pad::event_default(pad, Some(&*self.obj()), event)),
        }
    }

    fn set_info(&self, info: &gst_video::VideoInfo) -> Result<(), gst::FlowError> {
        let (taken, wait, frame) =
            self.with_intake(|intake, _| (intake.set_info(info), intake.wait(), intake.frame_duration()))?;
        self.unless_refused(taken.map_err(Refusal::Fault))?;
        let changed = lock(&self.pace).set_window(wait, frame);
        self.latency_changed(changed);
        Ok(())
    }
}
