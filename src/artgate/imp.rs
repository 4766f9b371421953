//! Pads, events and queries of `artgate`.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use gst::{
    glib::{self, translate::IntoGlib},
    prelude::*,
    subclass::prelude::*,
};

use super::{
    CAT,
    beside::Beside,
    files::Files,
    lane::{Lane, mark_discont, src_name, templates},
    outbox::Item,
    settings::{PROPERTIES, Settings},
    tell::Warned,
    track::{Parcel, Times, Track},
};
use crate::{
    gate::{Clip, Counts, Follow, Frame, Gate, Step, Told},
    meta::{self, ActionRecord},
    sticky,
};

/// The element.
pub struct ArtGate {
    video: Arc<Lane>,
    pub(super) beside: Mutex<Vec<Arc<Beside>>>,
    settings: Mutex<Settings>,
    /// What is known of the stream while the element runs.
    pub(super) state: Mutex<Option<State>>,
    /// Counts of the last run.
    pub(super) counts: Mutex<Counts>,
    pub(super) warned: Mutex<Warned>,
    pub(super) files: Mutex<Files>,
    /// The clip whose frames leave now.
    pub(super) playing: Mutex<Option<Clip>>,
}

/// What is known of the video.
pub(super) struct State {
    pub(super) gate: Gate<Parcel>,
    track: Track,
    follow: Follow,
    /// Whether the next buffer is the first of a clip.
    fresh: bool,
    max_bytes: u64,
    max_time: u64,
}

/// Locks; a panic elsewhere leaves nothing half done that matters here.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ArtGate {
    /// The lane of a pad.
    pub(super) fn lane(&self, pad: &gst::Pad) -> Option<Arc<Lane>> {
        let is_its = |lane: &Lane| lane.sink == *pad || lane.src == *pad;
        if is_its(&self.video) {
            return Some(Arc::clone(&self.video));
        }
        self.audio(pad).map(|beside| Arc::clone(&beside.lane))
    }

    /// The audio of a pad.
    fn audio(&self, pad: &gst::Pad) -> Option<Arc<Beside>> {
        let all = lock(&self.beside);
        all.iter().find(|beside| beside.lane.sink == *pad || beside.lane.src == *pad).cloned()
    }

    pub(super) fn chain(
        &self,
        pad: &gst::Pad,
        buffer: gst::Buffer,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        gst::trace!(CAT, obj = pad, "Handling {buffer:?}");
        let audio = self.audio(pad);
        let (counts, max_bytes) = {
            let mut state = lock(&self.state);
            let state = state.as_mut().ok_or(gst::FlowError::Flushing)?;
            if let Some(beside) = &audio {
                beside.push(buffer);
                beside.settle(&state.follow, state.max_bytes);
            } else {
                let frame = state.frame(buffer);
                let steps = state.gate.push(frame);
                self.deliver(state, steps);
            }
            (state.gate.counts(), state.max_bytes)
        };
        self.warn(counts, self.crowded_audio());
        let lane = audio.as_ref().map_or(&self.video, |beside| &beside.lane);
        lane.outbox.wait_for_room(max_bytes)
    }

    /// Hands on what is decided.
    fn deliver(&self, state: &mut State, steps: Vec<Step<Parcel>>) {
        let out = &self.video.outbox;
        for step in steps {
            match step {
                Step::Start(clip) => {
                    state.follow.start(clip.start);
                    state.fresh = true;
                    out.add(Item::Start(clip));
                }
                Step::Pass(Frame { time, item: Parcel { events, mut buffer }, .. }) => {
                    state.follow.reach(time);
                    events.into_iter().for_each(|event| out.add(Item::Event(event)));
                    if std::mem::take(&mut state.fresh) {
                        mark_discont(&mut buffer);
                    }
                    out.add(Item::Buffer(buffer));
                }
                Step::Stop(clip) => {
                    state.follow.stop(clip.end);
                    out.add(Item::Stop(clip));
                }
                Step::Drop(Frame { time, item, .. }) => {
                    state.follow.reach(time);
                    let sticky = item.events.into_iter().filter(|event| event.is_sticky());
                    sticky.for_each(|event| out.add(Item::Event(event)));
                }
            }
        }
        lock(&self.beside).iter().for_each(|beside| beside.settle(&state.follow, state.max_bytes));
    }

    pub(super) fn sink_event(&self, pad: &gst::Pad, event: gst::Event) -> bool {
        gst::log!(CAT, obj = pad, "Handling {event:?}");
        match event.view() {
            gst::EventView::FlushStart(_) => self.flush_start(pad, event),
            gst::EventView::FlushStop(_) => self.flush_stop(pad, event),
            _ if !event.is_serialized() => gst::Pad::event_default(pad, Some(&*self.obj()), event),
            _ => {
                let is_taken = match self.audio(pad) {
                    Some(beside) => self.audio_event(&beside, event),
                    None => self.video_event(event),
                };
                if !is_taken {
                    let text = "found a segment in another format, expected one in time: put a parser before artgate";
                    gst::element_imp_error!(self, gst::StreamError::Format, ("{text}"));
                }
                is_taken
            }
        }
    }

    fn audio_event(&self, beside: &Beside, event: gst::Event) -> bool {
        let state = lock(&self.state);
        let is_taken = beside.push_event(event);
        if let Some(state) = state.as_ref() {
            beside.settle(&state.follow, state.max_bytes);
        }
        is_taken
    }

    fn video_event(&self, event: gst::Event) -> bool {
        let mut state = lock(&self.state);
        let Some(state) = state.as_mut() else { return true };
        let out = &self.video.outbox;
        match event.view() {
            gst::EventView::Eos(_) => {
                let steps = state.gate.finish();
                state.follow.finish();
                self.deliver(state, steps);
                let rest = state.track.take_events();
                rest.into_iter().chain([event]).for_each(|event| out.add(Item::Event(event)));
                return true;
            }
            gst::EventView::StreamStart(_) => state.follow.resume(),
            gst::EventView::Segment(segment) => {
                if !state.track.start_segment(segment.segment()) {
                    return false;
                }
                state.follow.start_segment(event.seqnum().into_glib());
            }
            gst::EventView::CustomDownstream(custom) => {
                if let Some(record) = custom.structure().and_then(meta::read_action) {
                    let steps = state.gate.tell(told(record));
                    self.deliver(state, steps);
                }
            }
            _ => {}
        }
        if event.is_sticky() && state.gate.is_empty() {
            out.add(Item::Event(event));
        } else {
            state.track.keep(event);
        }
        true
    }

    /// Drops what waits of the video, but for events that outlast a flush. Gives the clip that was leaving, as far as it came.
    fn drop_waiting(&self, state: &mut State) -> Option<Clip> {
        let (clip, frames) = state.gate.flush();
        let events = frames.into_iter().flat_map(|frame| frame.item.events).chain(state.track.take_events());
        events.for_each(|event| self.video.outbox.add(Item::Event(event)));
        clip
    }

    fn flush_start(&self, pad: &gst::Pad, event: gst::Event) -> bool {
        let lane = self.lane(pad);
        let left = lane.as_ref().map(|lane| lane.outbox.close()).unwrap_or_default();
        let done = gst::Pad::event_default(pad, Some(&*self.obj()), event);
        let Some(lane) = lane else { return done };
        // The pad is being stopped where this fails.
        let _ = lane.src.pause_task();
        if *pad == self.video.sink {
            let stop = left.into_iter().find_map(|item| match item {
                Item::Stop(clip) => Some(clip),
                _ => None,
            });
            let cut = lock(&self.state).as_mut().and_then(|state| self.drop_waiting(state));
            let playing = lock(&self.playing).clone();
            if let Some(playing) = playing {
                let last = stop.or(cut).filter(|clip| clip.number == playing.number);
                self.clip_stops(&last.unwrap_or(playing));
            }
        }
        done
    }

    fn flush_stop(&self, pad: &gst::Pad, event: gst::Event) -> bool {
        let seqnum = event.seqnum().into_glib();
        let is_seek = matches!(event.view(), gst::EventView::FlushStop(stop) if stop.resets_time());
        match self.audio(pad) {
            Some(beside) => {
                beside.flush();
                if let Some(state) = lock(&self.state).as_ref().filter(|_| is_seek) {
                    beside.seek(seqnum, &state.follow, state.max_time);
                }
            }
            None => {
                if let Some(state) = lock(&self.state).as_mut() {
                    self.drop_waiting(state);
                    state.track = Track::default();
                    state.follow.flush(seqnum);
                }
            }
        }
        let done = gst::Pad::event_default(pad, Some(&*self.obj()), event);
        if let Some(lane) = self.lane(pad) {
            sticky::store(&lane.src, lane.outbox.open());
            if let Err(err) = self.start_task(&lane.src) {
                gst::error!(CAT, imp = self, "{err}");
            }
        }
        done
    }

    pub(super) fn sink_query(&self, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
        match query.view_mut() {
            // Downstream cannot be asked before what waits has reached it.
            gst::QueryViewMut::Allocation(_) | gst::QueryViewMut::Drain(_) => false,
            _ => gst::Pad::query_default(pad, Some(&*self.obj()), query),
        }
    }

    pub(super) fn src_query(&self, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
        let gst::QueryViewMut::Latency(query) = query.view_mut() else {
            return gst::Pad::query_default(pad, Some(&*self.obj()), query);
        };
        if !self.lane(pad).is_some_and(|lane| lane.sink.peer_query(query)) {
            return false;
        }
        let (live, min, max) = query.result();
        let own = lock(&self.settings).latency();
        query.set(live, min.saturating_add(own), max.map(|max| max.saturating_add(own)));
        true
    }

    /// Makes ready for a stream.
    fn start(&self) -> Result<(), gst::StateChangeError> {
        let settings = lock(&self.settings).gate().map_err(|fault| {
            self.post_error_message(fault.to_message());
            gst::StateChangeError
        })?;
        *lock(&self.warned) = Warned::default();
        lock(&self.beside).iter().for_each(|beside| beside.clear());
        *lock(&self.state) = Some(State {
            max_bytes: settings.max_bytes,
            max_time: settings.max_time,
            gate: Gate::new(settings),
            track: Track::default(),
            follow: Follow::default(),
            fresh: false,
        });
        Ok(())
    }

    /// Lets go of the stream.
    fn stop(&self) {
        let state = lock(&self.state).take();
        if let Some(mut state) = state {
            state.gate.flush();
            *lock(&self.counts) = state.gate.counts();
        }
        let files = std::mem::take(&mut *lock(&self.files));
        files.let_go();
        let playing = lock(&self.playing).clone();
        if let Some(clip) = playing {
            self.clip_stops(&clip);
        }
    }
}

impl State {
    fn frame(&mut self, buffer: gst::Buffer) -> Frame<Parcel> {
        let Times { time, end, decode } = self.track.times(&buffer);
        let key = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        let (bytes, events) = (buffer.size() as u64, self.track.take_events());
        Frame { time, end, decode, key, bytes, item: Parcel { events, buffer } }
    }
}

/// What an event says of an action, in running time.
fn told(ActionRecord { event, model }: ActionRecord) -> Told {
    Told {
        model,
        action: event.action,
        object: event.object,
        label: event.class.label.to_string(),
        score: event.class.score,
        start: event.start.moment.running_time,
        end: event.end.map(|end| end.moment.running_time),
    }
}

#[glib::object_subclass]
impl ObjectSubclass for ArtGate {
    const NAME: &'static str = "GstArtGate";
    type Type = super::ArtGate;
    type ParentType = gst::Element;

    fn with_class(klass: &Self::Class) -> Self {
        let (Some(sink), Some(src)) = (klass.pad_template("sink"), klass.pad_template("src")) else {
            unreachable!("both templates are declared below")
        };
        Self {
            video: Arc::new(Lane::new((&sink, &src), ("sink", "src"))),
            beside: Mutex::default(),
            settings: Mutex::default(),
            state: Mutex::default(),
            counts: Mutex::default(),
            warned: Mutex::default(),
            files: Mutex::default(),
            playing: Mutex::default(),
        }
    }
}

impl ObjectImpl for ArtGate {
    fn properties() -> &'static [glib::ParamSpec] {
        PROPERTIES.as_ref()
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        lock(&self.settings).set(pspec.name(), value);
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        let setting = lock(&self.settings).get(pspec.name());
        setting.unwrap_or_else(|| self.stats().to_value())
    }

    fn constructed(&self) {
        self.parent_constructed();
        let obj = self.obj();
        for pad in [&self.video.sink, &self.video.src] {
            if let Err(err) = obj.add_pad(pad) {
                gst::error!(CAT, imp = self, "{err}");
            }
        }
    }
}

impl GstObjectImpl for ArtGate {}

impl ElementImpl for ArtGate {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Action gate",
                "Filter/Video",
                "Of an encoded stream lets the actions pass that artclassify found, as clips that start at a keyframe",
                "The artclassify authors",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| templates().unwrap_or_default());
        &TEMPLATES
    }

    fn change_state(
        &self,
        transition: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        if transition == gst::StateChange::ReadyToPaused {
            self.start()?;
        }
        let success = self.parent_change_state(transition)?;
        if transition == gst::StateChange::PausedToReady {
            self.stop();
        }
        Ok(success)
    }

    fn request_new_pad(
        &self,
        template: &gst::PadTemplate,
        name: Option<&str>,
        _caps: Option<&gst::Caps>,
    ) -> Option<gst::Pad> {
        let obj = self.obj();
        if lock(&self.state).is_some() {
            gst::error!(CAT, imp = self, "audio is added before the element runs");
            return None;
        }
        let src_template = obj.pad_template("audio_src_%u")?;
        let lane = {
            let mut all = lock(&self.beside);
            let is_free = |name: &str| all.iter().all(|beside| beside.lane.sink.name() != name);
            let mut free = (0u32..).map(|number| format!("audio_{number}")).filter(|name| is_free(name));
            let name = name.filter(|name| !name.contains('%')).map(str::to_owned).or_else(|| free.next())?;
            if !is_free(&name) {
                return None;
            }
            let lane = Arc::new(Lane::new((template, &src_template), (&name, &src_name(&name)?)));
            all.push(Arc::new(Beside::new(Arc::clone(&lane))));
            lane
        };
        for pad in [&lane.src, &lane.sink] {
            if let Err(err) = obj.add_pad(pad) {
                gst::error!(CAT, imp = self, "{err}");
            }
        }
        Some(lane.sink.clone())
    }

    fn release_pad(&self, pad: &gst::Pad) {
        let Some(lane) = self.audio(pad).map(|beside| Arc::clone(&beside.lane)) else { return };
        // Stopping the sink pad waits for a buffer that waits for room. It stops first: a flush coming in would start the task
        // of the source pad again.
        lane.outbox.shut();
        for pad in [&lane.sink, &lane.src] {
            // A pad that cannot be stopped or taken away goes with the element.
            let _ = pad.set_active(false);
            let _ = self.obj().remove_pad(pad);
        }
        lock(&self.beside).retain(|beside| !Arc::ptr_eq(&beside.lane, &lane));
    }
}
