//! The plate with the class, its score and the running action.

use super::palette::{self, Color};
use super::pixels::{DrawError, Placed, Sprite};
use super::scene::Style;
use super::settings::BannerPosition;
use crate::wording::score_text;

/// What the banner says.
#[derive(Debug, Clone, PartialEq)]
pub struct Banner {
    /// The class and its score, where they are to be shown.
    pub class: Option<(String, f32)>,
    /// The label of the running action.
    pub action: Option<String>,
    /// Whether the class is a background class.
    pub dim: bool,
}

/// The banner as it was drawn last.
#[derive(Debug, Default)]
pub struct BannerCache {
    drawn: Option<(Drawn, Option<Placed>)>,
    /// How often the banner was drawn.
    #[cfg(test)]
    pub draws: usize,
}

/// The banner as it appears: scores that round to the same figure look the same.
#[derive(Debug, PartialEq)]
struct Drawn {
    title: String,
    score: String,
    /// Filled part of the score bar, in steps of a hundredth.
    filled: Option<u32>,
    /// Whether an action with the title as its label runs.
    live: bool,
    subtitle: Option<String>,
    dim: bool,
}

impl BannerCache {
    /// The banner in its place, drawn anew only if it looks different from last time; `None` where there is nothing to say
    /// or no room to say it.
    pub fn place(
        &mut self,
        banner: &Banner,
        position: BannerPosition,
        style: &Style,
    ) -> Result<Option<Placed>, DrawError> {
        if position == BannerPosition::None {
            return Ok(None);
        }
        let Some(wanted) = Drawn::new(banner) else { return Ok(None) };
        if let Some((drawn, placed)) = &self.drawn
            && *drawn == wanted
        {
            return Ok(placed.clone());
        }
        #[cfg(test)]
        {
            self.draws += 1;
        }
        let placed = draw(&wanted, style)?.map(|sprite| {
            let margin = style.margin;
            let y = match position {
                BannerPosition::Bottom => style.height.saturating_sub(sprite.height + margin),
                BannerPosition::Top | BannerPosition::None => margin,
            };
            sprite.at(margin as i32, y as i32)
        });
        Ok(self.drawn.insert((wanted, placed)).1.clone())
    }

    /// Forgets the drawing, as after a change of style.
    pub fn clear(&mut self) {
        self.drawn = None;
    }
}

impl Drawn {
    fn new(banner: &Banner) -> Option<Self> {
        let action = banner.action.as_deref();
        let Some((label, score)) = &banner.class else {
            let title = action?.to_owned();
            return Some(Self {
                title,
                score: String::new(),
                filled: None,
                live: true,
                subtitle: None,
                dim: false,
            });
        };
        let is_share = (0.0..=1.0).contains(score);
        Some(Self {
            title: label.clone(),
            score: score_text(*score),
            filled: is_share.then(|| (score * 100.0).round() as u32),
            live: action == Some(label),
            subtitle: action.filter(|action| action != label).map(str::to_owned),
            dim: banner.dim,
        })
    }
}

/// Draws the plate; `None` where the picture is too small for it.
fn draw(banner: &Drawn, style: &Style) -> Result<Option<Sprite>, DrawError> {
    let text = style.text;
    let pad = (text * 0.55).round();
    let gap = (text * 0.8).round();
    let dot = (text * 0.24).round();
    let dot_room = 2.0 * dot + (text * 0.4).round();
    let room = f64::from(style.width.saturating_sub(2 * style.margin));

    let score = style.layout(text, true);
    score.set_text("100 %");
    let score_width = if banner.score.is_empty() { 0.0 } else { f64::from(score.pixel_size().0) };
    score.set_text(&banner.score);
    let score_width = score_width.max(f64::from(score.pixel_size().0));
    let score_room = if score_width > 0.0 { gap + score_width } else { 0.0 };

    let line = |content: &str, size: f64, bold: bool, dotted: bool, taken: f64| {
        let before = if dotted { dot_room } else { 0.0 };
        let layout = style.layout(size, bold);
        layout.set_text(content);
        let free = room - 2.0 * pad - before - taken;
        let width = shorten(&layout, free, pango::EllipsizeMode::End);
        (layout, before, width, free)
    };
    let (title, title_before, title_width, free) = line(&banner.title, text, true, banner.live, score_room);
    let subtitle = banner.subtitle.as_deref().map(|label| line(label, text * 0.7, false, true, 0.0));

    let title_height = f64::from(title.pixel_size().1);
    let bar = banner.filled.map(|_| (text * 0.14).round().max(2.0));
    let bar_room = bar.map_or(0.0, |bar| bar + (pad * 0.45).round());
    let subtitle_height = subtitle.as_ref().map_or(0.0, |line| f64::from(line.0.pixel_size().1));
    let inner = (title_before + title_width + score_room)
        .max(subtitle.as_ref().map_or(0.0, |(_, before, width, _)| before + width));
    let width = inner + 2.0 * pad;
    let height = title_height + bar_room + subtitle_height + 1.2 * pad;
    if free < 2.0 * text || height.ceil() as u32 + style.margin > style.height {
        return Ok(None);
    }

    let ink = if banner.dim { palette::DIM } else { palette::WHITE };
    let sprite = Sprite::draw(width.ceil() as u32, height.ceil() as u32, |cr| {
        rounded(cr, 0.0, 0.0, width.ceil(), height.ceil(), text * 0.28);
        palette::INK.set(cr, 0.74);
        cr.fill()?;

        let top = (pad * 0.5).round();
        if banner.live {
            disc(cr, pad + dot, top + title_height / 2.0, dot, palette::LIVE)?;
        }
        show(cr, &title, pad + title_before, top, ink);
        if score_width > 0.0 {
            let x = width - pad - f64::from(score.pixel_size().0);
            show(cr, &score, x, top, if banner.dim { palette::DIM } else { palette::SOFT });
        }
        let mut y = top + title_height;
        if let (Some(bar), Some(filled)) = (bar, banner.filled) {
            y += (pad * 0.2).round();
            rounded(cr, pad, y, inner, bar, bar / 2.0);
            palette::WHITE.set(cr, 0.22);
            cr.fill()?;
            let length = (inner * f64::from(filled) / 100.0).max(bar);
            rounded(cr, pad, y, length, bar, bar / 2.0);
            if banner.dim { palette::DIM } else { palette::ACCENT }.set(cr, 1.0);
            cr.fill()?;
            y += bar + (pad * 0.25).round();
        }
        if let Some((layout, before, ..)) = &subtitle {
            disc(cr, pad + dot, y + subtitle_height / 2.0, dot * 0.8, palette::LIVE)?;
            show(cr, layout, pad + before, y, palette::SOFT);
        }
        Ok(())
    })?;
    Ok(Some(sprite))
}

/// Leaves out of a text what does not fit into `free` pixels, and gives its width then.
pub fn shorten(layout: &pango::Layout, free: f64, at: pango::EllipsizeMode) -> f64 {
    let natural = f64::from(layout.pixel_size().0);
    if natural > free {
        layout.set_ellipsize(at);
        layout.set_width((free.max(0.0) * f64::from(pango::SCALE)) as i32);
    }
    natural.min(free)
}

/// Draws text with its upper left corner at `x`, `y`.
pub fn show(cr: &cairo::Context, layout: &pango::Layout, x: f64, y: f64, color: Color) {
    color.set(cr, 1.0);
    cr.move_to(x, y);
    pangocairo::functions::update_layout(cr, layout);
    pangocairo::functions::show_layout(cr, layout);
}

/// Makes a rectangle with round corners the path.
pub fn rounded(cr: &cairo::Context, x: f64, y: f64, w: f64, h: f64, radius: f64) {
    use std::f64::consts::{FRAC_PI_2, PI};
    let r = radius.min(w / 2.0).min(h / 2.0);
    cr.new_sub_path();
    cr.arc(x + w - r, y + r, r, -FRAC_PI_2, 0.0);
    cr.arc(x + w - r, y + h - r, r, 0.0, FRAC_PI_2);
    cr.arc(x + r, y + h - r, r, FRAC_PI_2, PI);
    cr.arc(x + r, y + r, r, PI, PI + FRAC_PI_2);
    cr.close_path();
}

fn disc(cr: &cairo::Context, x: f64, y: f64, radius: f64, color: Color) -> Result<(), cairo::Error> {
    cr.arc(x, y, radius, 0.0, std::f64::consts::TAU);
    color.set(cr, 1.0);
    cr.fill()
}
