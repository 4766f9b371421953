//! The queries of `artclassify`: which buffers upstream needs, and how long frames wait.

use std::sync::atomic::Ordering;

use gst::{prelude::*, subclass::prelude::*};

use super::{
    imp::{ArtClassify, lock},
    intake::Intake,
};

impl ArtClassify {
    pub(super) fn sink_query(&self, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
        match query.view_mut() {
            gst::QueryViewMut::Allocation(allocation) => {
                self.answer_allocation(allocation);
                true
            }
            // Frames that wait for others to come cannot be drained.
            gst::QueryViewMut::Drain(_) if !self.outlet.drain() => false,
            _ => gst::Pad::query_default(pad, Some(&*self.obj()), query),
        }
    }

    /// Asks downstream, unless frames are held back before it: it could not answer before those frames
    /// came, and they wait for frames that upstream makes only after the answer. Upstream needs as many
    /// more buffers as are held.
    fn answer_allocation(&self, query: &mut gst::query::Allocation) {
        let held = lock(&self.intake).as_ref().map_or(0, Intake::held_frames);
        let pace = lock(&self.pace).clone();
        let held = if pace.drops() { pace.most_frames() } else { held };
        if self.outlet.drain() && self.srcpad.peer_query(query) {
            let offers = query.find_allocation_meta::<gst_video::VideoMeta>().is_some();
            self.video_meta.store(offers, Ordering::Relaxed);
            // Whole frames that tell what to cut off would be classified whole.
            while let Some(crops) = query.find_allocation_meta::<gst_video::VideoCropMeta>() {
                query.remove_nth_allocation_meta(crops);
            }
            let pools: Vec<_> = query.allocation_pools().collect();
            for (index, (pool, size, min, max)) in (0u32..).zip(pools) {
                // A pool that downstream has bounded would run dry.
                let pool = if max == 0 { pool } else { None };
                query.set_nth_allocation_pool(index, pool.as_ref(), size, min + held, 0);
            }
        } else if self.video_meta.load(Ordering::Relaxed) {
            query.add_allocation_meta::<gst_video::VideoMeta>(None);
        }
        if query.allocation_pools().next().is_none() {
            let size = query.get().0.and_then(|caps| gst_video::VideoInfo::from_caps(caps).ok());
            let size = size.map_or(0, |info| info.size() as u32);
            query.add_allocation_pool(None::<&gst::BufferPool>, size, held, 0);
        }
    }

    pub(super) fn src_query(&self, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
        match query.view_mut() {
            gst::QueryViewMut::Latency(latency) => self.answer_latency(latency),
            _ => gst::Pad::query_default(pad, Some(&*self.obj()), query),
        }
    }

    /// Adds how long frames wait here to what upstream answers.
    fn answer_latency(&self, query: &mut gst::query::Latency) -> bool {
        if !self.sinkpad.peer_query(query) {
            return false;
        }
        let (live, min, max) = query.result();
        let own = {
            let mut pace = lock(&self.pace);
            pace.set_upstream(live, min.nseconds());
            gst::ClockTime::from_nseconds(pace.latency())
        };
        query.set(live, min + own, max.map(|max| max + own));
        true
    }

    /// Learns whether upstream is live. A source that cannot say is none.
    pub(super) fn ask_upstream(&self) {
        let mut query = gst::query::Latency::new();
        let (live, min) = if self.sinkpad.peer_query(&mut query) {
            let (live, min, _) = query.result();
            (live, min)
        } else {
            (false, gst::ClockTime::ZERO)
        };
        lock(&self.pace).set_upstream(live, min.nseconds());
    }
}
