//! One ONNX graph, ready to run.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    sync::Arc,
};

use half::f16;
use ort::{
    session::{
        RunOptions, Session, SessionInputValue,
        builder::{GraphOptimizationLevel, SessionBuilder},
    },
    value::{DynTensor, DynValue, Outlet, Tensor as Value, TensorElementType, TensorRef, ValueType},
};
use tempfile::TempDir;

use super::{
    Library, Placement, Provider, Residence, Resident, SessionSettings,
    look::{essence, look},
};
use crate::{
    error::Error,
    model::{Data, ElementType, PortSpec, Tensor, each_type, limits},
};

/// Ends runs of a graph from another thread.
#[derive(Clone)]
pub struct Canceller(Arc<RunOptions>);

impl Canceller {
    /// Makes the run under way, and every later one, fail soon.
    pub fn cancel(&self) {
        // A failure leaves the run to end by itself, which is only later.
        let _ = self.0.terminate();
    }

    /// Lets runs succeed again.
    pub fn clear(&self) {
        // As above: the flag can always be cleared where it could be set.
        let _ = self.0.unterminate();
    }
}

/// A tensor on its way into a graph.
#[derive(Debug, Clone, Copy)]
pub enum Feed<'a> {
    /// In the CPU's memory.
    Host(&'a Tensor),
    /// In the memory of the graph's provider.
    Resident(&'a Resident),
}

/// A loaded graph.
pub struct Graph {
    session: Session,
    options: Arc<RunOptions>,
    path: PathBuf,
    /// Where the profile of the first runs is written; none on the CPU and after [`Graph::placement`].
    profile: Option<Box<TempDir>>,
}

impl Graph {
    /// Loads the graph of a file onto the first provider of the settings.
    ///
    /// # Errors
    /// When ONNX Runtime does not take the graph, or the provider cannot be set up.
    pub fn load(library: &Library, path: &Path, settings: &SessionSettings) -> Result<Self, Error> {
        let fault = |message: String| {
            let message = essence(&message, path);
            let (found, cure) = look(path, &message);
            Error::Graph { path: path.to_owned(), message, found, cure }
        };
        let mut builder = builder(library, path, settings).map_err(|e| fault(e.to_string()))?;
        let profile =
            if settings.first() == Provider::Cpu { None } else { Some(Box::new(profile_folder()?)) };
        if let Some(folder) = &profile {
            builder = builder.with_profiling(folder.path().join("run")).map_err(|e| fault(e.to_string()))?;
        }
        let session = builder.commit_from_file(path).map_err(|e| fault(e.to_string()))?;
        let options = RunOptions::new().map_err(|e| fault(e.to_string()))?;
        Ok(Self { session, options: Arc::new(options), path: path.to_owned(), profile })
    }

    /// Loads a graph that no file has. Errors name `path`, the graph of the model that it works for.
    ///
    /// # Errors
    /// When ONNX Runtime does not take the graph, or the provider cannot be set up.
    pub(super) fn from_bytes(
        library: &Library,
        bytes: &[u8],
        path: &Path,
        settings: &SessionSettings,
    ) -> Result<Self, Error> {
        let load = || {
            let session = builder(library, path, settings)?.commit_from_memory(bytes)?;
            Ok((session, Arc::new(RunOptions::new()?)))
        };
        let (session, options) = load().map_err(|fault: ort::Error| Error::Inference {
            path: path.to_owned(),
            message: essence(&fault.to_string(), path),
        })?;
        Ok(Self { session, options, path: path.to_owned(), profile: None })
    }

    /// Where the nodes of the runs so far ran, for a graph that is not on the CPU alone. Says so once: later runs are not
    /// watched, which would cost time.
    ///
    /// # Errors
    /// When ONNX Runtime does not tell.
    pub fn placement(&mut self) -> Result<Option<Placement>, Error> {
        let Some(folder) = self.profile.take() else { return Ok(None) };
        let fault = |message: String| Error::Profile { path: folder.path().to_owned(), message };
        let file = self.session.end_profiling().map_err(|e| fault(e.to_string()))?;
        let profile = std::fs::read_to_string(file).map_err(|e| fault(e.to_string()))?;
        Placement::parse(&profile).map(Some).map_err(fault)
    }

    /// The file it was loaded from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its inputs.
    #[must_use]
    pub fn inputs(&self) -> Vec<PortSpec> {
        self.session.inputs().iter().map(port).collect()
    }

    /// Its outputs.
    #[must_use]
    pub fn outputs(&self) -> Vec<PortSpec> {
        self.session.outputs().iter().map(port).collect()
    }

    /// What ends its runs from another thread.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        Canceller(Arc::clone(&self.options))
    }

    /// Runs the graph and gives the outputs of the given names.
    ///
    /// # Errors
    /// When the run fails, was cancelled, or gives an output that is too large or of a type that is not read.
    pub fn run(
        &mut self,
        inputs: &[(&str, Feed<'_>)],
        outputs: &[String],
    ) -> Result<Vec<(String, Tensor)>, Error> {
        let path = &self.path;
        let fault =
            |message: String| Error::Inference { path: path.clone(), message: essence(&message, path) };
        let inputs = inputs
            .iter()
            .map(|(name, feed)| Ok((Cow::Borrowed(*name), view(feed)?)))
            .collect::<Result<Vec<_>, ort::Error>>()
            .map_err(|e| fault(e.to_string()))?;
        let values =
            self.session.run_with_options(inputs, &*self.options).map_err(|e| fault(e.to_string()))?;
        outputs
            .iter()
            .map(|name| {
                let value = values.get(name).ok_or_else(|| fault(format!("it gave no output {name:?}")))?;
                let tensor = copy(value).map_err(|e| fault(format!("output {name:?}: {e}")))?;
                Ok((name.clone(), tensor))
            })
            .collect()
    }

    /// Runs the graph and leaves the outputs of the given names in a device's memory.
    ///
    /// # Errors
    /// When the run fails, was cancelled, or does not leave them there.
    pub fn run_keeping(
        &mut self,
        inputs: &[(&str, Feed<'_>)],
        outputs: &[String],
        residence: &Residence,
    ) -> Result<Vec<Resident>, Error> {
        let path = &self.path;
        let fault =
            |message: String| Error::Inference { path: path.clone(), message: essence(&message, path) };
        let bind = || {
            let memory = residence.info()?;
            let mut binding = self.session.create_binding()?;
            for (name, feed) in inputs {
                match feed {
                    Feed::Host(tensor) => binding.bind_input(*name, &owned(tensor)?)?,
                    Feed::Resident(tensor) => binding.bind_input(*name, tensor.value())?,
                }
            }
            outputs.iter().try_for_each(|name| binding.bind_output_to_device(name, &memory))?;
            Ok(binding)
        };
        let binding = bind().map_err(|e: ort::Error| fault(e.to_string()))?;
        let session = self.session.inner();
        let mut values = self
            .session
            .run_binding_with_options(&binding, &self.options)
            .map_err(|e| fault(e.to_string()))?;
        outputs
            .iter()
            .map(|name| {
                let value =
                    values.remove(name).ok_or_else(|| fault(format!("it gave no output {name:?}")))?;
                Resident::new(value, Arc::clone(&session), residence)
                    .map_err(|e| fault(format!("output {name:?}: {e}")))
            })
            .collect()
    }
}

/// How sessions are made, but for what they are loaded from.
fn builder(library: &Library, path: &Path, settings: &SessionSettings) -> Result<SessionBuilder, ort::Error> {
    // Threads that spin between runs would take the CPU from the decoder.
    Ok(Session::builder(library.environment())?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(settings.threads)?
        .with_intra_op_spinning(false)?
        .with_execution_providers(settings.dispatches(path))?)
}

/// A folder for profiles that is removed when it is dropped.
fn profile_folder() -> Result<TempDir, Error> {
    tempfile::tempdir()
        .map_err(|fault| Error::Profile { path: std::env::temp_dir(), message: fault.to_string() })
}

fn port(outlet: &Outlet) -> PortSpec {
    let (element, shape) = match outlet.dtype() {
        ValueType::Tensor { ty, shape, .. } => (
            element(*ty).ok_or_else(|| ty.to_string()),
            shape.iter().map(|&d| usize::try_from(d).ok()).collect(),
        ),
        other => (Err(other.to_string()), Vec::new()),
    };
    PortSpec { name: outlet.name().to_owned(), element, shape }
}

pub(super) fn element(ty: TensorElementType) -> Option<ElementType> {
    match ty {
        TensorElementType::Uint8 => Some(ElementType::U8),
        TensorElementType::Int32 => Some(ElementType::I32),
        TensorElementType::Int64 => Some(ElementType::I64),
        TensorElementType::Float16 => Some(ElementType::F16),
        TensorElementType::Float32 => Some(ElementType::F32),
        TensorElementType::Float64 => Some(ElementType::F64),
        _ => None,
    }
}

/// The tensor as ONNX Runtime sees it, without a copy.
fn view<'a>(feed: &Feed<'a>) -> Result<SessionInputValue<'a>, ort::Error> {
    let tensor = match feed {
        Feed::Host(tensor) => *tensor,
        Feed::Resident(tensor) => return Ok(tensor.value().into()),
    };
    each_type!(&tensor.data, values => {
        Ok(TensorRef::from_array_view((tensor.shape.clone(), values.as_slice()))?.into())
    })
}

/// A copy of a tensor in ONNX Runtime's own hands.
fn owned(tensor: &Tensor) -> Result<DynTensor, ort::Error> {
    each_type!(&tensor.data, values => {
        Ok(Value::from_array((tensor.shape.clone(), values.clone()))?.upcast())
    })
}

/// A copy of an output in this plugin's own memory.
fn copy(value: &DynValue) -> Result<Tensor, String> {
    let ValueType::Tensor { ty, .. } = value.dtype() else {
        return Err(format!("found {}, expected a tensor", value.dtype()));
    };
    macro_rules! read {
        ($kind:ident, $type:ty) => {{
            let (shape, values) = value.try_extract_tensor::<$type>().map_err(|e| e.to_string())?;
            if size_of_val(values) > limits::TENSOR_BYTES {
                return Err(format!("{} bytes, of {} at most", size_of_val(values), limits::TENSOR_BYTES));
            }
            (shape, Data::$kind(values.to_vec()))
        }};
    }
    let (shape, data) = match element(*ty) {
        Some(ElementType::U8) => read!(U8, u8),
        Some(ElementType::I32) => read!(I32, i32),
        Some(ElementType::I64) => read!(I64, i64),
        Some(ElementType::F16) => read!(F16, f16),
        Some(ElementType::F32) => read!(F32, f32),
        Some(ElementType::F64) => read!(F64, f64),
        None => return Err(format!("found elements of {ty}, expected floats, uint8, int32 or int64")),
    };
    let shape = shape.iter().map(|&size| usize::try_from(size).unwrap_or(0)).collect();
    Ok(Tensor { shape, data })
}
