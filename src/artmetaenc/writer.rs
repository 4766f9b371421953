//! Turns records into pieces of the format that was agreed on.

use super::clock::Clock;
use super::cue::{Cue, CueMaker};
use super::record::{Piece, Record};
use super::settings::{Cues, Format};
use super::{csv as rows, jsonl, webvtt};

/// Something could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Not as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// Not as CSV.
    #[error(transparent)]
    Csv(#[from] csv::Error),
}

/// Writes one stream.
#[derive(Debug)]
pub enum Writer {
    /// JSON Lines.
    JsonLines,
    /// A WebVTT file.
    WebVtt(CueMaker),
    /// The same cues as plain text whose times are those of its buffers.
    PlainText(CueMaker),
    /// CSV.
    Csv,
}

impl Writer {
    /// A writer of `format`; `plain`: as plain text, where the format has that form.
    pub fn new(format: Format, cues: Cues, plain: bool) -> Self {
        match format {
            Format::JsonLines => Self::JsonLines,
            Format::WebVtt if plain => Self::PlainText(CueMaker::new(cues)),
            Format::WebVtt => Self::WebVtt(CueMaker::new(cues)),
            Format::Csv => Self::Csv,
        }
    }

    /// What stands before all else.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn header(&self) -> Result<Option<Vec<u8>>, WriteError> {
        Ok(match self {
            Self::JsonLines | Self::PlainText(_) => None,
            Self::WebVtt(_) => Some(webvtt::HEADER.into()),
            Self::Csv => Some(rows::header()?),
        })
    }

    /// What is complete with this record.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, record: Record<'_>, clock: &Clock) -> Result<Option<Piece>, WriteError> {
        let cue = |maker: &mut CueMaker| maker.cue(record, |pts| clock.running_time(pts));
        Ok(match self {
            Self::JsonLines => jsonl::line(record)?.map(|line| Piece::line(record, line, clock)),
            Self::Csv => rows::row(record)?.map(|row| Piece::line(record, row, clock)),
            Self::WebVtt(maker) => cue(maker).map(|cue| timed(&cue, webvtt::block(&cue), clock)),
            Self::PlainText(maker) => cue(maker).map(|cue| timed(&cue, cue.text.clone(), clock)),
        })
    }

    /// What comes does not follow what came before.
    pub fn forget(&mut self) {
        match self {
            Self::JsonLines | Self::Csv => (),
            Self::WebVtt(maker) | Self::PlainText(maker) => maker.forget(),
        }
    }
}

/// A buffer over the time of the cue.
fn timed(cue: &Cue, text: String, clock: &Clock) -> Piece {
    Piece::over(cue.start, Some(cue.end), text.into(), clock)
}
