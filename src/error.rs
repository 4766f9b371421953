//! The one error type of the plugin and its one mapping to GStreamer.

use std::path::{Path, PathBuf};

use crate::wording::one_line;

/// Everything that can go wrong, in words that name the place, what was found, what was expected and
/// what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A property has a value that cannot be used.
    #[error("property {name}: found {found}, expected {expected}")]
    Property {
        /// Name of the property.
        name: &'static str,
        /// Its value.
        found: String,
        /// What would do.
        expected: String,
    },
    /// A file or folder is not there.
    #[error("{}: no such {what}; {hint}", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
        /// What it should have been.
        what: &'static str,
        /// What to do.
        hint: String,
    },
    /// A file is there but cannot be read.
    #[error("{}: this {what} cannot be read: found {source}, expected a file with read permission; {hint}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What it should have been.
        what: &'static str,
        /// What to do.
        hint: String,
        /// Why.
        source: std::io::Error,
    },
    /// A manifest says something that cannot be used.
    #[error(
        "{}: {place}: found {found}, expected {expected} (see \"Models: model.toml\" in README.md)",
        path.display()
    )]
    Manifest {
        /// The manifest file.
        path: PathBuf,
        /// The key or line.
        place: String,
        /// What stands there.
        found: String,
        /// What should stand there.
        expected: String,
    },
    /// A file of a model holds something that cannot be used.
    #[error("{}: {subject}: found {found}, expected {expected}", path.display())]
    Contents {
        /// The file.
        path: PathBuf,
        /// The key or line.
        subject: String,
        /// What stands there.
        found: String,
        /// What should stand there.
        expected: String,
    },
    /// ONNX Runtime does not take a graph.
    #[error(
        "{}: ONNX Runtime cannot load this graph: {message}; found {found}, expected a complete ONNX model: {cure}",
        path.display()
    )]
    Graph {
        /// The graph file.
        path: PathBuf,
        /// What ONNX Runtime says.
        message: String,
        /// What the file looks like.
        found: String,
        /// What to do.
        cure: &'static str,
    },
    /// A graph does not do what its manifest says.
    #[error(
        "{}: {subject}: found {found}, expected {expected} by {}; mend the manifest or export the graph again",
        path.display(),
        manifest.display()
    )]
    Contract {
        /// The graph file.
        path: PathBuf,
        /// The manifest file.
        manifest: PathBuf,
        /// The input or output.
        subject: String,
        /// What the graph has.
        found: String,
        /// What the manifest says.
        expected: String,
    },
    /// No ONNX Runtime library was found.
    #[error(
        "found no ONNX Runtime library (tried {}); expected libonnxruntime.so 1.17 or newer: set ORT_DYLIB_PATH to \
         it, or install the Python package onnxruntime",
        tried.join(", ")
    )]
    RuntimeMissing {
        /// Where it was looked for.
        tried: Vec<String>,
    },
    /// The ONNX Runtime library cannot be used.
    #[error(
        "{}: found a library that cannot be used: {message}; expected ONNX Runtime 1.17 or newer for this \
         machine: set ORT_DYLIB_PATH to one",
        path.display()
    )]
    RuntimeUnusable {
        /// The library.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// An execution provider does not run a model.
    #[error("property providers: found {provider}, which does not run {}: {why}; expected one that does: {cure}", model.display())]
    Provider {
        /// The provider, as the property names it.
        provider: String,
        /// The manifest of the model.
        model: PathBuf,
        /// What happened.
        why: String,
        /// What to do.
        cure: String,
    },
    /// ONNX Runtime does not tell where nodes ran.
    #[error(
        "{}: found no profile of the run ({message}), which tells where nodes ran; expected a folder for temporary files \
         that can be written: set TMPDIR to one",
        path.display()
    )]
    Profile {
        /// Where it should have been written.
        path: PathBuf,
        /// What happened.
        message: String,
    },
    /// What a provider compiles cannot be kept.
    #[error(
        "{}: found no place to keep compiled models ({message}), each start compiles anew; expected a folder that can be \
         written: set XDG_CACHE_HOME to one",
        path.display()
    )]
    Cache {
        /// The folder.
        path: PathBuf,
        /// What happened.
        message: String,
    },
    /// A graph failed while it ran.
    #[error(
        "{}: the model failed while it ran: found {message}, expected a run without an error: try the graph in the \
         Python package onnxruntime, mend it and export it again",
        path.display()
    )]
    Inference {
        /// The graph file.
        path: PathBuf,
        /// What ONNX Runtime says.
        message: String,
    },
    /// A defect of this plugin.
    #[error(
        "the thread that runs the model panicked, which is a defect of artclassify: the lines above on standard error say \
         where; please report them"
    )]
    Panicked,
    /// A run was cut short because the stream was flushed or stopped.
    #[error("the run was cut short")]
    Cancelled,
    /// A frame could not be turned into a sample.
    #[error("cannot convert a frame of {found} to the model's {expected}: {message}")]
    Conversion {
        /// Caps of the frame.
        found: String,
        /// Size and format of the model's input.
        expected: String,
        /// Why.
        message: String,
    },
    /// A broker, or TLS, refuses a connection.
    #[error("{broker}: found {found}, expected a connection: {cure}")]
    Refused {
        /// URL of the broker.
        broker: String,
        /// What was found.
        found: String,
        /// What to do.
        cure: &'static str,
    },
    /// A broker is not there.
    #[error(
        "{broker}: found no broker ({why}); messages wait, and it is tried again. Start the broker, or mend the property \
         broker"
    )]
    Unreachable {
        /// URL of the broker.
        broker: String,
        /// What happened.
        why: String,
    },
    /// A broker does not take a message.
    #[error(
        "{broker}: the broker does not take a message ({why}), which is lost: check topic, qos and retain against its rules"
    )]
    MessageRefused {
        /// URL of the broker.
        broker: String,
        /// What it says.
        why: String,
    },
    /// Too many messages wait.
    #[error(
        "{waiting} messages wait, and {dropped} older ones were dropped so far; expected a broker that is away for less long, \
         or a larger max-messages"
    )]
    Overflow {
        /// Messages that wait.
        waiting: usize,
        /// Messages that were dropped.
        dropped: u64,
    },
    /// Messages were not acknowledged at the end of the stream.
    #[error("{count} messages were not acknowledged within the time of the property linger: {}", left(spool.as_deref()))]
    NotPublished {
        /// How many.
        count: u64,
        /// Where they are kept.
        spool: Option<PathBuf>,
    },
    /// A spool folder cannot be used.
    #[error(
        "{}: property spool: found {message}, expected a folder on a disk with room that can be written",
        path.display()
    )]
    Spool {
        /// The folder.
        path: PathBuf,
        /// What happened.
        message: String,
    },
    /// A thread could not be started.
    #[error("cannot start the worker thread: {0}")]
    Thread(std::io::Error),
}

impl Error {
    /// An error about something that stands in a manifest.
    pub fn manifest(
        path: &Path,
        place: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self::Manifest {
            path: path.to_owned(),
            place: place.into(),
            found: found.into(),
            expected: expected.into(),
        }
    }

    /// An error about something in another file of a model.
    pub fn contents(
        path: &Path,
        subject: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self::Contents {
            path: path.to_owned(),
            subject: subject.into(),
            found: found.into(),
            expected: expected.into(),
        }
    }

    /// The error for a file that could not be opened or read.
    pub fn from_io(path: &Path, what: &'static str, hint: &str, source: std::io::Error) -> Self {
        if source.kind() == std::io::ErrorKind::NotFound {
            Self::Missing { path: path.to_owned(), what, hint: hint.to_owned() }
        } else {
            Self::Unreadable { path: path.to_owned(), what, hint: hint.to_owned(), source }
        }
    }

    /// The error as GStreamer knows it, in one line, ready to be posted on the bus.
    #[must_use]
    pub fn to_message(&self) -> gst::ErrorMessage {
        let text = one_line(&self.to_string());
        match self {
            Self::Property { .. } | Self::Provider { .. } => {
                gst::error_msg!(gst::ResourceError::Settings, ("{text}"))
            }
            Self::Missing { .. } => gst::error_msg!(gst::ResourceError::NotFound, ("{text}")),
            Self::Unreadable { .. } => gst::error_msg!(gst::ResourceError::OpenRead, ("{text}")),
            Self::Manifest { .. } | Self::Contents { .. } | Self::Graph { .. } | Self::Contract { .. } => {
                gst::error_msg!(gst::ResourceError::Settings, ("{text}"))
            }
            Self::Refused { .. } => gst::error_msg!(gst::ResourceError::NotAuthorized, ("{text}")),
            Self::Unreachable { .. }
            | Self::MessageRefused { .. }
            | Self::Overflow { .. }
            | Self::NotPublished { .. } => gst::error_msg!(gst::ResourceError::Write, ("{text}")),
            Self::Profile { .. } | Self::Cache { .. } | Self::Spool { .. } => {
                gst::error_msg!(gst::ResourceError::OpenWrite, ("{text}"))
            }
            Self::RuntimeMissing { .. } | Self::RuntimeUnusable { .. } => {
                gst::error_msg!(gst::LibraryError::Init, ("{text}"))
            }
            Self::Inference { .. } | Self::Panicked | Self::Cancelled => {
                gst::error_msg!(gst::StreamError::Failed, ("{text}"))
            }
            Self::Conversion { .. } => gst::error_msg!(gst::StreamError::Format, ("{text}")),
            Self::Thread(_) => gst::error_msg!(gst::CoreError::Thread, ("{text}")),
        }
    }
}

/// What to post where a thread of an element's own could not go on pushing, since upstream may have ended and nobody else would
/// tell of a downstream that failed; `None` where that is in order.
#[must_use]
pub fn of_flow(flow: gst::FlowError) -> Option<gst::ErrorMessage> {
    let in_order = matches!(flow, gst::FlowError::Flushing | gst::FlowError::Eos);
    let told =
        || gst::error_msg!(gst::StreamError::Failed, ["streaming stopped, downstream answered {flow:?}"]);
    (!in_order).then(told)
}

/// What becomes of messages that were not acknowledged.
fn left(spool: Option<&Path>) -> String {
    match spool {
        Some(folder) => format!("they stay in {} and are sent when it is used again", folder.display()),
        None => "they are lost when the pipeline stops; the property spool names a folder that keeps them"
            .to_owned(),
    }
}
