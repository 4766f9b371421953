//! The boxes, ids and trails of tracklets, put together from a few drawings that are made once.

use std::{collections::HashMap, sync::Arc};

use super::banner::{rounded, shorten, show};
use super::palette::{self, Color, TRACK_COLORS};
use super::pixels::{DrawError, Picture, Placed, Sprite};
use super::scene::Style;
use super::trails::{Mark, Trails};
use crate::classification::PixelBox;

/// Steps in which a trail fades.
const FADES: usize = 6;
/// Tags that are kept; ids grow for ever.
const MAX_TAGS: usize = 64;

/// The drawings, made when they are first needed.
#[derive(Debug, Default)]
pub struct BoxCache {
    edges: HashMap<usize, Edges>,
    tags: HashMap<(usize, String), Sprite>,
    dots: HashMap<(usize, usize), Sprite>,
    /// How often a tag was drawn.
    #[cfg(test)]
    pub draws: usize,
}

#[derive(Debug)]
struct Edges {
    horizontal: Arc<Picture>,
    vertical: Arc<Picture>,
}

/// The colour of background classes, besides those of ids.
const DIM_INDEX: usize = TRACK_COLORS;

fn color(index: usize) -> Color {
    if index == DIM_INDEX { palette::DIM } else { palette::track(index) }
}

impl BoxCache {
    /// Adds the drawings of one tracklet or object: its box in the colour of its id, and a tag. One that lies outside of
    /// the picture has none.
    pub fn draw(
        &mut self,
        id: u64,
        tag: &str,
        area: PixelBox,
        dim: bool,
        style: &Style,
        out: &mut Vec<Placed>,
    ) -> Result<(), DrawError> {
        // Of another element's results one does not know that they are clipped.
        let area = area.clipped((style.width, style.height));
        if area.is_empty() {
            return Ok(());
        }
        let index = if dim { DIM_INDEX } else { palette::track_index(id) };
        self.outline(index, area, style, out);
        self.tag(index, tag, area, style, out)
    }

    /// Adds the trail of one tracklet; `length` in nanoseconds.
    pub fn trail(
        &mut self,
        id: u64,
        dim: bool,
        trails: &Trails,
        length: u64,
        style: &Style,
        out: &mut Vec<Placed>,
    ) -> Result<(), DrawError> {
        let index = if dim { DIM_INDEX } else { palette::track_index(id) };
        for Mark { at, age } in trails.marks(id, length, style.dot * 2.6) {
            let fade = ((age * FADES as f64) as usize).min(FADES - 1);
            let dot = match self.dots.entry((index, fade)) {
                std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::hash_map::Entry::Vacant(entry) => entry.insert(dot(index, fade, style)?),
            };
            let half = f64::from(dot.width) / 2.0;
            out.push(dot.at((at.x - half).round() as i32, (at.y - half).round() as i32));
        }
        Ok(())
    }

    /// Forgets the drawings, as after a change of style.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The four edges, inside of the box.
    fn outline(&mut self, index: usize, area: PixelBox, style: &Style, out: &mut Vec<Placed>) {
        let edges = self.edges.entry(index).or_insert_with(|| {
            let shade = palette::INK.pixel(0.45);
            let mut profile = vec![shade];
            profile.extend(std::iter::repeat_n(color(index).pixel(1.0), style.line as usize));
            profile.push(shade);
            Edges {
                horizontal: Picture::horizontal(style.width, &profile),
                vertical: Picture::vertical(style.height, &profile),
            }
        });
        let PixelBox { x, y, w, h } = area;
        let thick = style.line + 2;
        let (across, along) = (thick.min(w), thick.min(h));
        out.push(edges.horizontal.part(x, y, w, along));
        if h > 2 * thick {
            out.push(edges.vertical.part(x, y + thick, across, h - 2 * thick));
            out.push(edges.vertical.part(x + w - across, y + thick, across, h - 2 * thick));
        }
        if h > thick {
            out.push(edges.horizontal.part(x, y + h - along, w, along));
        }
    }

    /// The tag, on top of the box where there is room, else inside.
    fn tag(
        &mut self,
        index: usize,
        text: &str,
        area: PixelBox,
        style: &Style,
        out: &mut Vec<Placed>,
    ) -> Result<(), DrawError> {
        let key = (index, text.to_owned());
        if self.tags.len() >= MAX_TAGS && !self.tags.contains_key(&key) {
            self.tags.clear();
        }
        let tag = match self.tags.entry(key) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                #[cfg(test)]
                {
                    self.draws += 1;
                }
                entry.insert(plate(text, color(index), style)?)
            }
        };
        let x = area.x.min(style.width.saturating_sub(tag.width));
        let y = area.y.checked_sub(tag.height).unwrap_or(area.y);
        out.push(tag.at(x as i32, y as i32));
        Ok(())
    }
}

/// A plate of a colour, with a text in ink; of one that is wider than the picture, the middle is left out.
fn plate(text: &str, color: Color, style: &Style) -> Result<Sprite, DrawError> {
    let size = (style.text * 0.62).max(9.0);
    let layout = style.layout(size, true);
    layout.set_text(text);
    let pad = (size * 0.35).round();
    let free = f64::from(style.width) - 2.0 * pad;
    let width = shorten(&layout, free, pango::EllipsizeMode::Middle).max(0.0) + 2.0 * pad;
    let height = f64::from(layout.pixel_size().1);
    Sprite::draw(width as u32, height as u32, |cr| {
        rounded(cr, 0.0, 0.0, width, height, size * 0.2);
        color.set(cr, 0.95);
        cr.fill()?;
        show(cr, &layout, pad, 0.0, palette::INK);
        Ok(())
    })
}

/// A dot of a trail, smaller and fainter with age.
fn dot(index: usize, fade: usize, style: &Style) -> Result<Sprite, DrawError> {
    let left = 1.0 - fade as f64 / FADES as f64;
    let radius = (style.dot * (0.45 + 0.55 * left)).max(1.0);
    let size = (2.0 * radius).ceil() + 2.0;
    Sprite::draw(size as u32, size as u32, |cr| {
        let disc = |radius, color: Color, alpha| {
            cr.arc(size / 2.0, size / 2.0, radius, 0.0, std::f64::consts::TAU);
            color.set(cr, alpha);
            cr.fill()
        };
        disc(radius + 1.0, palette::INK, 0.35 * left)?;
        disc(radius, color(index), 0.25 + 0.7 * left)
    })
}
