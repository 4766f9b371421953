//! SHA-256 sums of files.

use std::io::{BufRead, BufReader};

use sha2::{Digest, Sha256};

use super::ModelFile;
use crate::error::Error;

/// Hexadecimal digits in a sum.
const DIGITS: usize = 64;

/// Whether a text can be a sum: 64 hexadecimal digits of either case.
#[must_use]
pub fn is_sha256(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The SHA-256 of a file, in lower-case hexadecimal digits.
///
/// # Errors
/// When the file cannot be read.
pub fn sha256_of(file: &ModelFile) -> Result<String, Error> {
    let mut reader = BufReader::with_capacity(1 << 16, file.open()?);
    let mut sum = Sha256::new();
    loop {
        let bytes =
            reader.fill_buf().map_err(|source| Error::from_io(&file.path, file.what, &file.hint, source))?;
        if bytes.is_empty() {
            break;
        }
        let count = bytes.len();
        sum.update(bytes);
        reader.consume(count);
    }
    Ok(sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_a_file_is_that_of_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, b"abc").unwrap();
        let sum = sha256_of(&ModelFile { path, what: "graph file", hint: String::new() }).unwrap();
        assert_eq!(sum, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(is_sha256(&sum) && is_sha256(&sum.to_uppercase()));
        assert!(!is_sha256("00ff") && !is_sha256(&sum.replacen('b', "g", 1)));
    }
}
