//! The spool folder: a file a message, so that messages outlive the process.
//!
//! A file is named by the number of its message, and has the topic in its first line and the payload behind it.
//! Writing goes to another name first, so a file is either whole or not there.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use super::{inbox::Message, topic::is_topic};
use crate::error::Error;

const EXTENSION: &str = "message";
const UNFINISHED: &str = "part";
const LOCK: &str = "lock";

/// A folder that belongs to one element at a time.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    /// Locked for as long as it is open.
    _lock: File,
}

impl Spool {
    /// Takes a folder into use, which is made where there is none: the folder, and the messages in it, oldest first.
    ///
    /// # Errors
    /// When it cannot be written or read, or another element has it.
    pub fn open(folder: &Path) -> Result<(Self, Vec<(u64, Message)>), Error> {
        let fault = |err: io::Error| Error::Spool { path: folder.to_owned(), message: err.to_string() };
        fs::create_dir_all(folder).map_err(fault)?;
        let lock = File::create(folder.join(LOCK)).map_err(fault)?;
        lock.try_lock().map_err(|err| match err {
            TryLockError::Error(err) => fault(err),
            TryLockError::WouldBlock => Error::Property {
                name: "spool",
                found: format!("{}, which another element is using", folder.display()),
                expected: "a folder for each element".into(),
            },
        })?;
        let mut messages = Vec::new();
        for entry in fs::read_dir(folder).map_err(fault)? {
            let path = entry.map_err(fault)?.path();
            match path.extension().and_then(|extension| extension.to_str()) {
                Some(EXTENSION) => messages.extend(read(&path).map_err(fault)?),
                Some(UNFINISHED) => fs::remove_file(&path).map_err(fault)?,
                _ => (),
            }
        }
        messages.sort_by_key(|(number, _)| *number);
        Ok((Self { folder: folder.to_owned(), _lock: lock }, messages))
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a message.
    ///
    /// # Errors
    /// When the disk is full or gone.
    pub fn write(&self, number: u64, message: &Message) -> io::Result<()> {
        let path = self.path(number);
        let part = path.with_extension(UNFINISHED);
        let written = fs::write(&part, [message.topic.as_bytes(), b"\n", &message.payload].concat())
            .and_then(|()| fs::rename(&part, path));
        if written.is_err() {
            // The fault is told already; a file that stays is removed when the folder is next taken into use.
            _ = fs::remove_file(part);
        }
        written
    }

    /// Removes a message; one that is not there is gone already.
    ///
    /// # Errors
    /// When the disk is gone.
    pub fn remove(&self, number: u64) -> io::Result<()> {
        match fs::remove_file(self.path(number)) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => Err(err),
            _ => Ok(()),
        }
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:020}.{EXTENSION}"))
    }
}

/// The message in a file; `None` where a power cut left another thing under that name.
fn read(path: &Path) -> io::Result<Option<(u64, Message)>> {
    let bytes = fs::read(path)?;
    let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
    let topic = bytes.split(|byte| *byte == b'\n').next().and_then(|topic| str::from_utf8(topic).ok());
    let (Some(number), Some(topic)) = (number, topic.filter(|topic| is_topic(topic))) else {
        return Ok(None);
    };
    let payload = bytes.get(topic.len() + 1..).map(<[u8]>::to_vec);
    Ok(payload.map(|payload| (number, Message { topic: topic.to_owned(), payload })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Message {
        Message { topic: "a/b".into(), payload: text.into() }
    }

    #[test]
    fn messages_outlive_the_process_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deeper/spool");
        let (spool, found) = Spool::open(&path).unwrap();
        assert!(found.is_empty());
        for (number, text) in [(9, "{}"), (10, "two\nlines"), (11, "")] {
            spool.write(number, &message(text)).unwrap();
        }
        spool.remove(9).unwrap();
        spool.remove(9).unwrap();
        drop(spool);
        let (_, found) = Spool::open(&path).unwrap();
        assert_eq!(found, [(10, message("two\nlines")), (11, message(""))]);
    }

    #[test]
    fn what_a_power_cut_left_is_no_message() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["1.part", "2.message", "x.message", "other"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        for (name, content) in [("3.message", "topic"), ("4.message", "a/#\n{}"), ("5.message", "a/\0\n{}")] {
            fs::write(folder.path().join(name), content).unwrap();
        }
        let (_, found) = Spool::open(folder.path()).unwrap();
        assert!(found.is_empty(), "{found:?}");
        assert!(!folder.path().join("1.part").exists() && folder.path().join("other").exists());
    }

    #[test]
    fn a_write_that_fails_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (spool, _) = Spool::open(folder.path()).unwrap();
        // No file takes the place of a folder.
        fs::create_dir(spool.path(1)).unwrap();
        spool.write(1, &message("{}")).unwrap_err();
        assert!(!spool.path(1).with_extension(UNFINISHED).exists());
    }

    #[test]
    fn a_folder_belongs_to_one_element() {
        let folder = tempfile::tempdir().unwrap();
        let open = Spool::open(folder.path()).unwrap();
        let fault = Spool::open(folder.path()).unwrap_err().to_string();
        assert!(fault.contains("another element") && fault.contains("for each element"), "{fault}");
        drop(open);
        Spool::open(folder.path()).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let fault = Spool::open(&file.path().join("spool")).unwrap_err().to_string();
        assert!(fault.contains("property spool"), "{fault}");
    }
}
