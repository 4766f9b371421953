//! UTC as text.

use gst::glib;

/// A UTC time, in nanoseconds since 1970, as RFC 3339 writes it, always with nine decimals.
pub(super) fn rfc3339(utc: u64) -> Option<String> {
    let seconds = i64::try_from(utc / 1_000_000_000).ok()?;
    let text = glib::DateTime::from_unix_utc(seconds).ok()?.format("%Y-%m-%dT%H:%M:%S").ok()?;
    Some(format!("{text}.{:09}Z", utc % 1_000_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_time_has_its_text() {
        for (utc, text) in [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (1_709_251_199_000_000_001, "2024-02-29T23:59:59.000000001Z"),
            (1_795_256_428_123_456_789, "2026-11-21T10:20:28.123456789Z"),
            (u64::MAX, "2554-07-21T23:34:33.709551615Z"),
        ] {
            assert_eq!(rfc3339(utc).as_deref(), Some(text));
        }
    }
}
