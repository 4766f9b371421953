//! Turns records into pieces of the format that was agreed on.

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

    /// What is complete with this record. `running` tells the running time of a PTS, in nanoseconds.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(
        &mut self,
        record: Record<'_>,
        running: impl Fn(u64) -> u64,
    ) -> Result<Option<Piece>, WriteError> {
        Ok(match self {
            Self::JsonLines => jsonl::line(record)?.map(|line| Piece::line(record, line)),
            Self::Csv => rows::row(record)?.map(|row| Piece::line(record, row)),
            Self::WebVtt(maker) => maker.cue(record, running).map(|cue| in_file(&cue)),
            Self::PlainText(maker) => maker.cue(record, running).map(in_track),
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

fn in_file(cue: &Cue) -> Piece {
    timed(cue, webvtt::block(cue).into())
}

fn in_track(mut cue: Cue) -> Piece {
    let text = std::mem::take(&mut cue.text);
    timed(&cue, text.into())
}

/// A buffer over the time of the cue.
fn timed(cue: &Cue, bytes: Vec<u8>) -> Piece {
    Piece { bytes, pts: cue.start.pts, duration: Some(cue.end.pts.saturating_sub(cue.start.pts)) }
}
