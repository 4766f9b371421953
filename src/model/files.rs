//! Opening the files of a model: regular ones only, because reading others may never end.

use std::{fs::File, io::Read, path::PathBuf};

use crate::error::Error;

/// A file that a model needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFile {
    /// Where it should lie.
    pub path: PathBuf,
    /// What it is, in words.
    pub what: &'static str,
    /// What names it, for the one who finds it missing.
    pub hint: String,
}

impl ModelFile {
    /// Opens the file.
    ///
    /// # Errors
    /// When it is missing, no regular file, or may not be read.
    pub fn open(&self) -> Result<File, Error> {
        let fault = |source| Error::from_io(&self.path, self.what, &self.hint, source);
        let kind = std::fs::metadata(&self.path).map_err(fault)?;
        if !kind.is_file() {
            let found = if kind.is_dir() { "a folder" } else { "something that is no regular file" };
            let expected = format!("a {}; {}", self.what, self.hint);
            return Err(Error::contents(&self.path, "path", found, expected));
        }
        File::open(&self.path).map_err(fault)
    }

    /// Reads the whole file, which may have `most` bytes.
    ///
    /// # Errors
    /// As [`ModelFile::open`], and when the file is larger.
    pub fn read(&self, most: u64) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        self.open()?
            .take(most + 1)
            .read_to_end(&mut bytes)
            .map_err(|source| Error::from_io(&self.path, self.what, &self.hint, source))?;
        if bytes.len() as u64 > most {
            let expected = format!("a {} of at most that size; {}", self.what, self.hint);
            return Err(Error::contents(&self.path, "size", format!("more than {most} bytes"), expected));
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: impl Into<PathBuf>) -> ModelFile {
        ModelFile { path: path.into(), what: "labels file", hint: "labels.file names it".into() }
    }

    #[test]
    fn only_regular_files_of_a_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.txt");
        std::fs::write(&path, b"12345").unwrap();
        assert_eq!(file(&path).read(5).unwrap(), b"12345");
        let looped = folder.path().join("loop");
        std::os::unix::fs::symlink(&looped, &looped).unwrap();
        for (fault, words) in [
            (file(&path).read(4), "more than 4 bytes"),
            (file(folder.path()).read(9), "found a folder"),
            (file("/dev/zero").read(9), "no regular file"),
            (file(folder.path().join("gone")).read(9), "no such labels file"),
            (file(&looped).read(9), "cannot be read"),
            (file("nul\0").read(9), "cannot be read"),
        ] {
            let fault = fault.unwrap_err().to_string();
            assert!(fault.contains(words) && fault.contains("labels.file names it"), "{fault}");
        }
    }
}
