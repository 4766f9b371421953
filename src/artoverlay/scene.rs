//! What is drawn on a frame.

use std::sync::Arc;

use pango::prelude::*;

use super::banner::{Banner, BannerCache};
use super::boxes::BoxCache;
use super::pixels::{DrawError, Placed};
use super::settings::{BannerPosition, Settings};
use super::trails::{Point, Trails};
use crate::meta::{FrameObject, FrameResult, FrameSize, FrameTracklet};
use crate::wording::caption;

/// Measures that follow from the picture's size, in pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct Style {
    /// Width of the picture.
    pub width: u32,
    /// Height of the picture.
    pub height: u32,
    /// Distance of the banner from the picture's edges.
    pub margin: u32,
    /// Thickness of the coloured line of a box.
    pub line: u32,
    /// Radius of the newest dot of a trail.
    pub dot: f64,
    /// Height of the banner's text.
    pub text: f64,
    font: String,
}

impl Style {
    fn new(size: FrameSize, settings: &Settings) -> Self {
        let height = f64::from(size.height);
        Self {
            width: size.width,
            height: size.height,
            margin: (height / 27.0).round() as u32,
            // Two pixels at least, or a line between the samples of subsampled chroma has no colour.
            line: ((height / 400.0).round() as u32).max(2),
            dot: (height / 230.0).max(1.8),
            text: (height * settings.text_size).max(9.0),
            font: settings.font.clone(),
        }
    }

    /// An empty text layout with letters of `size` pixels.
    pub fn layout(&self, size: f64, bold: bool) -> pango::Layout {
        let context = pangocairo::FontMap::default().create_context();
        let layout = pango::Layout::new(&context);
        let mut font = pango::FontDescription::from_string(&self.font);
        font.set_absolute_size(size * f64::from(pango::SCALE));
        if bold {
            font.set_weight(pango::Weight::Bold);
        }
        layout.set_font_description(Some(&font));
        layout.set_single_paragraph_mode(true);
        layout
    }
}

/// An action that runs. Numbers are those of its model.
#[derive(Debug)]
struct Running {
    model: Arc<str>,
    action: u64,
    label: String,
}

impl Running {
    fn is(&self, model: &str, action: u64) -> bool {
        self.action == action && *self.model == *model
    }
}

/// What was drawn so far and what goes on from frame to frame.
#[derive(Debug, Default)]
pub struct Scene {
    style: Option<(Style, BannerPosition)>,
    banner: BannerCache,
    boxes: BoxCache,
    trails: Trails,
    /// The actions that run, in the order in which they started.
    running: Vec<Running>,
}

impl Scene {
    /// An action of a model started, or its label changed.
    pub fn action_runs(&mut self, model: &Arc<str>, action: u64, label: &str) {
        match self.running.iter_mut().find(|running| running.is(model, action)) {
            Some(running) => label.clone_into(&mut running.label),
            None => self.running.push(Running { model: Arc::clone(model), action, label: label.to_owned() }),
        }
    }

    /// An action of a model stopped.
    pub fn action_stops(&mut self, model: &str, action: u64) {
        self.running.retain(|running| !running.is(model, action));
    }

    /// Forgets the stream, as after a flush.
    pub fn reset(&mut self) {
        self.trails.clear();
        self.running.clear();
    }

    /// Frames of another format come: the drawings are made anew.
    pub fn change_format(&mut self) {
        self.banner.clear();
        self.boxes.clear();
    }

    /// What to draw on a frame of that size that carries `results`, lowest first.
    pub fn draw(
        &mut self,
        results: Vec<FrameResult>,
        size: FrameSize,
        pts: Option<gst::ClockTime>,
        settings: &Settings,
    ) -> Result<Vec<Placed>, DrawError> {
        let style = (Style::new(size, settings), settings.banner);
        if self.style.as_ref() != Some(&style) {
            self.change_format();
        }
        if self.style.as_ref().is_some_and(|(old, _)| (old.width, old.height) != (size.width, size.height)) {
            self.trails.clear();
        }
        let (style, position) = self.style.insert(style);

        if let Some(pts) = pts {
            self.trails.advance(pts.nseconds(), settings.trail.nseconds());
        }
        let mut out = Vec::new();
        let mut banner = Banner { class: None, action: None, dim: false };
        for result in results {
            let shown = f64::from(result.class.score) >= settings.min_score
                && (settings.show_background || !result.background);
            let (dim, result) = (result.background, result.scaled_to(size));
            if result.object.is_none() {
                let class = shown.then(|| (result.class.label.to_string(), result.class.score));
                banner = Banner { class: class.or(banner.class), action: None, dim };
            }
            if !shown || !settings.boxes {
                continue;
            }
            match &result.object {
                Some(FrameObject { id, area: Some(area) }) => {
                    let tag = format!("{id} {}", caption(&result.class.label, result.class.score));
                    self.boxes.draw(id.unsigned_abs().into(), &tag, *area, dim, style, &mut out)?;
                }
                Some(FrameObject { area: None, .. }) => {}
                None => {
                    let tracklets = Tracklets { boxes: &mut self.boxes, trails: &mut self.trails, style };
                    tracklets.draw(&result, pts, settings.trail.nseconds(), &mut out)?;
                }
            }
        }
        banner.action = self.running.last().map(|running| running.label.clone());
        out.extend(self.banner.place(&banner, *position, style)?);
        Ok(out)
    }
}

/// What draws the tracklets of a result.
struct Tracklets<'a> {
    boxes: &'a mut BoxCache,
    trails: &'a mut Trails,
    style: &'a Style,
}

impl Tracklets<'_> {
    /// Adds the drawings of all tracklets that lie in the picture; `length` of trails in nanoseconds.
    fn draw(
        self,
        result: &FrameResult,
        pts: Option<gst::ClockTime>,
        length: u64,
        out: &mut Vec<Placed>,
    ) -> Result<(), DrawError> {
        let inside = |t: &&FrameTracklet| !t.area.is_empty();
        for tracklet in result.tracklets.iter().filter(inside) {
            let area = tracklet.area;
            if pts.is_some() {
                let half = |at: u32, length: u32| f64::from(at) + f64::from(length) / 2.0;
                let centre = Point { x: half(area.x, area.w), y: half(area.y, area.h) };
                self.trails.add(tracklet.id, centre);
            }
            self.boxes.trail(tracklet.id, result.background, self.trails, length, self.style, out)?;
        }
        for tracklet in result.tracklets.iter().filter(inside) {
            let (id, area) = (tracklet.id, tracklet.area);
            self.boxes.draw(id, &id.to_string(), area, result.background, self.style, out)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classification::{ClassScore, PixelBox};
    use crate::timeline::AbsoluteTime;

    const SIZE: FrameSize = FrameSize { width: 640, height: 360 };

    fn result(label: &str, score: f32, x: u32) -> FrameResult {
        let class = ClassScore { label: label.into(), label_id: 1, score };
        FrameResult {
            object: None,
            model: "m".into(),
            window: 0,
            start: 0,
            start_absolute: AbsoluteTime::default(),
            end: 0,
            age: None,
            class: class.clone(),
            background: label == "background",
            first: false,
            size: SIZE,
            top: vec![class],
            tracklets: vec![FrameTracklet {
                id: 3,
                query: None,
                area: PixelBox { x, y: 100, w: 80, h: 120 },
                relevance: 1.0,
                boxes: vec![],
            }],
            samples: vec![],
        }
    }

    fn draw(scene: &mut Scene, result: FrameResult, ms: u64) -> usize {
        gst::init().unwrap();
        let pts = Some(gst::ClockTime::from_mseconds(ms));
        scene.draw(vec![result], SIZE, pts, &Settings::default()).unwrap().len()
    }

    #[test]
    fn texts_are_drawn_only_when_they_change() {
        let mut scene = Scene::default();
        for n in 0..30 {
            draw(&mut scene, result("vault", 0.9, 10 + n), u64::from(n) * 40);
        }
        assert_eq!((scene.banner.draws, scene.boxes.draws), (1, 1));
        draw(&mut scene, result("vault", 0.901, 10), 2000);
        assert_eq!(scene.banner.draws, 1, "the figure that is shown is the same");
        draw(&mut scene, result("vault", 0.8, 10), 2040);
        draw(&mut scene, result("beam", 0.8, 10), 2080);
        assert_eq!((scene.banner.draws, scene.boxes.draws), (3, 1));
    }

    #[test]
    fn weak_and_background_results_are_not_drawn() {
        let mut scene = Scene::default();
        assert_eq!(draw(&mut scene, result("vault", 0.2, 10), 0), 0);
        assert_eq!(draw(&mut scene, result("background", 0.9, 10), 40), 0);
        assert_eq!(draw(&mut scene, result("vault", 0.9, 10), 80), 6, "four edges, an id, a banner");
    }

    #[test]
    fn a_running_action_is_named_even_while_its_class_is_weak() {
        let mut scene = Scene::default();
        scene.action_runs(&"m".into(), 1, "vault");
        assert_eq!(draw(&mut scene, result("vault", 0.1, 10), 0), 1);
        scene.action_stops("m", 1);
        assert_eq!(draw(&mut scene, result("vault", 0.1, 10), 40), 0);
    }

    #[test]
    fn a_region_that_moves_leaves_a_trail_until_a_reset() {
        let mut scene = Scene::default();
        for n in 0..10 {
            draw(&mut scene, result("vault", 0.9, n * 20), u64::from(n) * 40);
        }
        assert_eq!(draw(&mut scene, result("vault", 0.9, 200), 400), 6 + 10);
        scene.reset();
        assert_eq!(draw(&mut scene, result("vault", 0.9, 220), 440), 6);
    }

    #[test]
    fn objects_have_a_box_with_their_class_and_no_banner() {
        gst::init().unwrap();
        let object = |id, x| {
            let area = Some(PixelBox { x, y: 100, w: 80, h: 120 });
            FrameResult { object: Some(FrameObject { id, area }), ..result("vault", 0.9, 10) }
        };
        let mut scene = Scene::default();
        let two = || vec![object(1, 10), object(2, 300)];
        assert_eq!(scene.draw(two(), SIZE, None, &Settings::default()).unwrap().len(), 2 * 5);
        scene.draw(two(), SIZE, None, &Settings::default()).unwrap();
        assert_eq!((scene.banner.draws, scene.boxes.draws), (0, 2));
    }

    #[test]
    fn what_lies_outside_of_the_picture_has_no_box() {
        gst::init().unwrap();
        assert_eq!(draw(&mut Scene::default(), result("vault", 0.9, SIZE.width), 0), 1, "a banner");
        for (x, w) in [(SIZE.width, 80), (10, 0), (u32::MAX, 80)] {
            let area = Some(PixelBox { x, y: 100, w, h: 120 });
            let object =
                FrameResult { object: Some(FrameObject { id: 1, area }), ..result("vault", 0.9, 10) };
            assert!(
                Scene::default().draw(vec![object], SIZE, None, &Settings::default()).unwrap().is_empty()
            );
        }
    }

    #[test]
    fn tags_are_as_wide_as_the_picture_at_most() {
        gst::init().unwrap();
        let area = Some(PixelBox { x: 300, y: 100, w: 80, h: 120 });
        let object = FrameObject { id: 1, area };
        let long = FrameResult { object: Some(object), ..result(&"m".repeat(400), 0.9, 10) };
        let placed = Scene::default().draw(vec![long], SIZE, None, &Settings::default()).unwrap();
        assert!(placed.iter().all(|p| p.x >= 0 && p.x as u32 + p.w <= SIZE.width), "{placed:?}");
    }

    #[test]
    fn a_picture_without_room_gets_no_banner() {
        gst::init().unwrap();
        let size = FrameSize { width: 33, height: 20 };
        let placed =
            Scene::default().draw(vec![result("vault", 0.9, 0)], size, None, &Settings::default()).unwrap();
        assert_eq!(placed.len(), 3, "two edges and an id");
    }
}
