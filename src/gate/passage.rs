//! What leaves the line, and when.

use super::{
    Clip, Frame, GateSettings, Moment, Told,
    action::{Action, Verdict},
    line::Line,
};

/// One thing that happens, in the order of the frames.
#[derive(Debug, Clone, PartialEq)]
pub enum Step<T> {
    /// A clip begins with the next frame that passes.
    Start(Clip),
    /// A frame passes.
    Pass(Frame<T>),
    /// The clip ends.
    Stop(Clip),
    /// A frame is dropped.
    Drop(Frame<T>),
}

/// What happened since the gate was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Clips that ended.
    pub clips: u64,
    /// Actions in them.
    pub actions: u64,
    /// Of these, actions whose clip begins later than asked for, since earlier frames were gone.
    pub shortened: u64,
    /// Actions without a clip, since all of their frames were gone.
    pub lost: u64,
    /// Frames that passed.
    pub passed: u64,
    /// Frames that were dropped.
    pub dropped: u64,
    /// Of these, frames for which there was no room, though an action might have needed them.
    pub crowded: u64,
}

/// The clip that is leaving.
#[derive(Debug)]
struct Leaving {
    start: u64,
    decode: u64,
    /// When its last frame so far shows.
    passed: u64,
    /// When its last frame so far ends.
    end: u64,
}

/// Decides which frames pass. Of overlapping clips it makes one, so a frame passes once at most and in its place.
#[derive(Debug)]
pub struct Gate<T> {
    settings: GateSettings,
    line: Line<T>,
    /// Newest time of a frame.
    now: u64,
    actions: Vec<Action>,
    leaving: Option<Leaving>,
    /// Actions that ended with the stream before.
    ended_early: Vec<Told>,
    /// End of the last frame that left.
    gone: Option<u64>,
    /// The same, before the clip that is leaving.
    gone_before: Option<u64>,
    /// No frame and no action comes any more.
    ended: bool,
    counts: Counts,
}

impl<T> Gate<T> {
    /// A gate at the start of a stream.
    #[must_use]
    pub fn new(settings: GateSettings) -> Self {
        Self {
            settings,
            line: Line::default(),
            now: 0,
            actions: Vec::new(),
            leaving: None,
            ended_early: Vec::new(),
            gone: None,
            gone_before: None,
            ended: false,
            counts: Counts::default(),
        }
    }

    /// What happened so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Memory of the frames in line.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.line.bytes()
    }

    /// Whether no frame is in line and no clip is leaving.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.line.first().is_none() && self.leaving.is_none()
    }

    /// Takes the next frame. A keyframe that shows before the last one starts the stream anew.
    pub fn push(&mut self, frame: Frame<T>) -> Vec<Step<T>> {
        let mut steps = Vec::new();
        if frame.key && self.line.newest_start().is_some_and(|newest| frame.time < newest) {
            steps = self.finish();
        }
        self.now = self.now.max(frame.time);
        if let Err(frame) = self.line.add(frame) {
            self.drop_frame(frame, &mut steps);
        }
        self.settle(&mut steps);
        steps
    }

    /// Takes what is told of an action.
    pub fn tell(&mut self, told: Told) -> Vec<Step<T>> {
        if self.ended_early.iter().any(|ended| ended.is_of(&told) && ended.start == told.start) {
            return Vec::new();
        }
        let known = self.actions.iter().position(|action| action.told.is_of(&told));
        let index = known.unwrap_or_else(|| {
            self.actions.push(Action::new(told.clone()));
            self.actions.len() - 1
        });
        if !self.actions[index].learn(told, &self.settings) {
            self.actions.swap_remove(index);
        }
        let mut steps = Vec::new();
        self.settle(&mut steps);
        steps
    }

    /// The stream ends: actions under way end with it, and all that waits is decided.
    pub fn finish(&mut self) -> Vec<Step<T>> {
        let mut steps = Vec::new();
        let open = self.actions.iter().filter(|action| action.told.end.is_none());
        let ended_early = open.map(|action| action.told.clone()).collect();
        for action in &mut self.actions {
            if action.verdict == Verdict::Ignored {
                action.verdict = Verdict::Open;
            }
            action.decide(&self.settings.filter);
            action.told.end.get_or_insert(self.now);
        }
        self.actions.retain(|action| action.verdict == Verdict::Passes);
        self.ended = true;
        self.settle(&mut steps);
        self.counts.lost += self.actions.len() as u64;
        *self = Self { counts: self.counts, ended_early, ..Self::new(self.settings.clone()) };
        steps
    }

    /// The stream was flushed: nothing of it is left to pass. Gives the clip that was leaving, as far as it came, and the
    /// frames that were in line.
    pub fn flush(&mut self) -> (Option<Clip>, Vec<Frame<T>>) {
        let clip = self.close();
        let frames = self.drop_all();
        *self = Self { counts: self.counts, ..Self::new(self.settings.clone()) };
        (clip, frames)
    }

    /// Lets go what is decided, and then what there is no room for.
    fn settle(&mut self, steps: &mut Vec<Step<T>>) {
        loop {
            while self.step(steps) {}
            if !self.is_crowded() {
                return;
            }
            self.make_room(steps);
        }
    }

    /// Does one thing that is decided; `false` when there is none.
    fn step(&mut self, steps: &mut Vec<Step<T>>) -> bool {
        if self.leaving.is_some() { self.go_on(steps) } else { self.look_at_first(steps) }
    }

    /// Goes on with the clip that is leaving.
    fn go_on(&mut self, steps: &mut Vec<Step<T>>) -> bool {
        let (to, last) = self.reach();
        let boundary = self.boundary(last);
        let Some(leaving) = &mut self.leaving else { return false };
        // Frames are decoded in another order than shown. The last ones leave no hole in what is shown: a player would stop
        // before it.
        let belongs = |frame: &Frame<T>, to: u64| {
            frame.time <= to.max(leaving.passed) || (leaving.passed < to && frame.decode <= to)
        };
        if let Some(first) = self.line.first()
            && to.is_none_or(|to| belongs(first, to))
        {
            // Frames before a keyframe that come behind it need frames from before the clip.
            let leads = first.time < leaving.start;
            let Some(frame) = self.line.take() else { return false };
            if leads {
                self.drop_frame(frame, steps);
                return true;
            }
            leaving.passed = leaving.passed.max(frame.time);
            leaving.end = leaving.end.max(frame.end);
            self.gone = self.gone.max(Some(leaving.end));
            self.counts.passed += 1;
            steps.push(Step::Pass(frame));
            return true;
        }
        let joins = |action: &Action| {
            action.verdict == Verdict::Open && boundary.is_none_or(|b| action.from(&self.settings) < b)
        };
        let is_over = to.is_some()
            && boundary.is_some_and(|boundary| boundary <= self.horizon())
            && !self.actions.iter().any(joins);
        if is_over {
            self.stop(steps);
        }
        is_over
    }

    /// Looks at the first group in line: does a clip begin with it, or does nobody need it?
    fn look_at_first(&mut self, steps: &mut Vec<Step<T>>) -> bool {
        let Some(start) = self.line.first().map(|first| first.time) else { return false };
        self.forget_before(start);
        let (boundary, before) = (self.boundary(start), self.joined_before(start));
        let (mut wanted, mut open) = (false, false);
        for action in &self.actions {
            if action.from(&self.settings) < before {
                wanted |= action.verdict == Verdict::Passes;
                open |= action.verdict == Verdict::Open;
            }
        }
        let begins = wanted && (self.settings.decide == Moment::Start || self.is_complete(start));
        if begins {
            self.start(steps);
            return true;
        }
        let is_idle = !wanted && !open && boundary.is_some_and(|boundary| boundary <= self.horizon());
        if is_idle {
            self.drop_group(steps);
        }
        is_idle
    }

    /// Whether all is known of the clip that would begin with the group that starts at `start`.
    fn is_complete(&self, start: u64) -> bool {
        let mut reach = start;
        loop {
            let Some(boundary) = self.boundary(reach) else { return false };
            let mut further = reach;
            for action in &self.actions {
                if action.verdict == Verdict::Ignored || action.from(&self.settings) >= boundary {
                    continue;
                }
                let Some(to) = action.to(&self.settings) else { return false };
                if action.verdict == Verdict::Open {
                    return false;
                }
                further = further.max(to);
            }
            if further == reach {
                return boundary <= self.horizon();
            }
            reach = further;
        }
    }

    /// When the first group starts behind `time`, where that is known: a clip up to there may go on with this one.
    fn boundary(&self, time: u64) -> Option<u64> {
        self.line.start_after(time).or(self.ended.then_some(u64::MAX))
    }

    /// Actions that are still to be told of ask for nothing before this.
    fn horizon(&self) -> u64 {
        if self.ended {
            return u64::MAX;
        }
        self.now.saturating_sub(self.settings.max_lag).saturating_sub(self.settings.pre_roll)
    }

    /// Actions that ask for something before this belong to a clip that reaches up to `time`, for all that is known.
    fn joined_before(&self, time: u64) -> u64 {
        // No group that is still to come starts before the newest frame.
        self.boundary(time).unwrap_or(self.now.saturating_add(1))
    }

    /// Takes all actions into the clip that is leaving which overlap it. Says where it ends, `None` while one of them goes
    /// on, and the last time that it needs or has passed.
    fn reach(&mut self) -> (Option<u64>, u64) {
        let Some(Leaving { passed, start, .. }) = self.leaving else { return (None, 0) };
        loop {
            let own = self.actions.iter().filter(|action| action.in_clip);
            let mut ends = own.map(|action| action.to(&self.settings));
            let to = ends.try_fold(start, |last, end| Some(last.max(end?)));
            let last = to.unwrap_or(self.now).max(passed);
            let before = self.joined_before(last);
            let settings = &self.settings;
            let joining = self.actions.iter_mut().find(|action| {
                action.verdict == Verdict::Passes && !action.in_clip && action.from(settings) < before
            });
            let Some(action) = joining else { return (to, last) };
            action.in_clip = true;
            let from = action.from(settings);
            self.counts.actions += 1;
            self.counts.shortened += u64::from(from < start && self.gone_before > Some(from));
        }
    }

    /// A clip begins with the first group in line.
    fn start(&mut self, steps: &mut Vec<Step<T>>) {
        let Some(first) = self.line.first() else { return };
        let (start, decode) = (first.time, first.decode);
        self.gone_before = self.gone;
        self.leaving = Some(Leaving { start, decode, passed: start, end: start });
        self.reach();
        steps.extend(self.clip().map(Step::Start));
    }

    /// The clip that is leaving ends here. What is left of its last group cannot be decoded without the rest.
    fn stop(&mut self, steps: &mut Vec<Step<T>>) {
        steps.extend(self.close().map(Step::Stop));
        if self.line.first().is_none_or(|first| !first.key) {
            self.drop_group(steps);
        }
    }

    /// Ends the clip that is leaving.
    fn close(&mut self) -> Option<Clip> {
        let clip = self.clip()?;
        self.leaving = None;
        self.actions.retain(|action| !action.in_clip);
        self.counts.clips += 1;
        Some(clip)
    }

    /// What is known of the clip that is leaving.
    fn clip(&self) -> Option<Clip> {
        let Leaving { start, decode, end, .. } = *self.leaving.as_ref()?;
        let own = self.actions.iter().filter(|action| action.in_clip);
        let mut actions: Vec<Told> = own.map(|action| action.told.clone()).collect();
        actions.sort_by_key(|action| (action.start, action.action));
        Some(Clip { number: self.counts.clips, start, decode, end, actions })
    }

    /// Forgets actions that end before the first frame in line: their frames are gone.
    fn forget_before(&mut self, start: u64) {
        let before = self.actions.len();
        let settings = &self.settings;
        self.actions.retain(|action| action.to(settings).is_none_or(|to| to >= start));
        self.counts.lost += (before - self.actions.len()) as u64;
    }

    /// Whether more is in line than may be.
    fn is_crowded(&self) -> bool {
        let Some(first) = self.line.first() else { return false };
        self.line.bytes() > self.settings.max_bytes
            || self.now.saturating_sub(first.time) > self.settings.max_time
    }

    /// Decides on the first frames in line by what is known so far.
    fn make_room(&mut self, steps: &mut Vec<Step<T>>) {
        let Some(first) = self.line.first().map(|first| first.time) else { return };
        let last = if self.leaving.is_some() { self.reach().1 } else { first };
        let before = self.joined_before(last);
        let mut passes = false;
        for action in self.actions.iter_mut().filter(|action| !action.in_clip) {
            if action.from(&self.settings) < before {
                action.decide(&self.settings.filter);
                passes |= action.verdict == Verdict::Passes;
            }
        }
        match (passes, self.leaving.is_some()) {
            // It joins the clip that is leaving.
            (true, true) => {}
            (false, true) => self.stop(steps),
            (true, false) => self.start(steps),
            (false, false) => self.counts.crowded += self.drop_group(steps),
        }
    }

    /// Drops what is left of the first group: how many frames.
    fn drop_group(&mut self, steps: &mut Vec<Step<T>>) -> u64 {
        let frames = self.line.take_group();
        let count = frames.len() as u64;
        frames.into_iter().for_each(|frame| self.drop_frame(frame, steps));
        count
    }

    /// Drops what is in line without a word.
    fn drop_all(&mut self) -> Vec<Frame<T>> {
        let mut frames = Vec::new();
        while self.line.newest_start().is_some() {
            frames.extend(self.line.take_group());
        }
        self.counts.dropped += frames.len() as u64;
        frames
    }

    fn drop_frame(&mut self, frame: Frame<T>, steps: &mut Vec<Step<T>>) {
        self.gone = self.gone.max(Some(frame.end));
        self.counts.dropped += 1;
        steps.push(Step::Drop(frame));
    }
}
