//! CSV after RFC 4180: a row a window and one an action.

use csv::{Terminator, WriterBuilder};
use serde::Serialize;

use super::record::{Dates, Record, rounded};
use crate::action::ActionState;
use crate::classification::ClassScore;
use crate::meta::{ActionRecord, FrameResult};
use crate::object::ObjectId;

/// Names of the columns, which are those of the fields of JSON Lines where both have one.
const COLUMNS: [&str; 13] = [
    "type",
    "number",
    "model",
    "label",
    "label_id",
    "score",
    "start",
    "start_utc",
    "start_timecode",
    "end",
    "end_utc",
    "end_timecode",
    "object",
];

/// One row. Times in nanoseconds of PTS, in UTC after RFC 3339 and in timecode; what is not known is empty.
#[derive(Debug, Serialize)]
struct Row<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    number: u64,
    model: &'a str,
    label: &'a str,
    label_id: u32,
    score: f64,
    start: u64,
    start_utc: Option<String>,
    start_timecode: Option<String>,
    end: u64,
    end_utc: Option<String>,
    end_timecode: Option<String>,
    object: Option<ObjectId>,
}

/// The row that names the columns.
///
/// # Errors
/// None that these types can bring about, as with [`row`].
pub fn header() -> csv::Result<Vec<u8>> {
    written(COLUMNS)
}

/// The row of a record with its final line break; `None` for an action that goes on, whose end is not known.
///
/// # Errors
/// None that these types can bring about; the signature is that of the crate `csv`.
pub fn row(record: Record<'_>) -> csv::Result<Option<Vec<u8>>> {
    let row = match record {
        Record::Window { result, .. } => Some(Row::of_window(result)),
        Record::Action(record) => Row::of_action(record),
    };
    row.map(written).transpose()
}

fn written(row: impl Serialize) -> csv::Result<Vec<u8>> {
    let mut writer =
        WriterBuilder::new().has_headers(false).terminator(Terminator::CRLF).from_writer(Vec::new());
    writer.serialize(row)?;
    writer.into_inner().map_err(|err| err.into_error().into())
}

impl<'a> Row<'a> {
    fn of_window(result: &'a FrameResult) -> Self {
        let start = (result.start, Dates::from(result.start_absolute));
        let end = (result.end, Dates::default());
        let row = Self::new("window", result.window, &result.model, &result.class, start, end);
        Self { object: result.object.map(|object| object.id), ..row }
    }

    fn of_action(record: &'a ActionRecord) -> Option<Self> {
        let event = &record.event;
        let end = event.end.filter(|_| event.state == ActionState::Stop)?;
        let start = (event.start.moment.pts, Dates::from(event.start.absolute));
        let end = (end.moment.pts, Dates::from(end.absolute));
        let row = Self::new("action", event.action, &record.model, &event.class, start, end);
        Some(Self { object: event.object, ..row })
    }

    fn new(
        kind: &'static str,
        number: u64,
        model: &'a str,
        class: &'a ClassScore,
        (start, start_dates): (u64, Dates),
        (end, end_dates): (u64, Dates),
    ) -> Self {
        Self {
            kind,
            number,
            model,
            label: &class.label,
            label_id: class.label_id,
            score: rounded(class.score),
            start,
            start_utc: start_dates.utc,
            start_timecode: start_dates.timecode,
            end,
            end_utc: end_dates.utc,
            end_timecode: end_dates.timecode,
            object: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_names_the_fields_of_a_row() {
        let class = ClassScore { label: "pike".into(), label_id: 0, score: 1.0 };
        let moment = || (0, Dates::default());
        let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
        writer.serialize(Row::new("window", 0, "model", &class, moment(), moment())).unwrap();
        let both = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        assert_eq!(both, format!("{}window,0,model,pike,0,1.0,0,,,0,,,\r\n", text(header().unwrap())));
    }

    #[test]
    fn what_would_end_a_field_is_quoted() {
        assert_eq!(text(written(["a,b", "say \"a\"", "two\nlines", ""]).unwrap()), {
            "\"a,b\",\"say \"\"a\"\"\",\"two\nlines\",\r\n"
        });
    }

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }
}
