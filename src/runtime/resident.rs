//! Tensors that stay in the memory of the provider that computed them.

use std::sync::Arc;

use ort::{
    memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType},
    session::SharedSessionInner,
    value::{DynTensor, DynTensorValueType, DynValue},
};

use super::{Provider, graph::element};
use crate::model::ElementType;

/// The memory of a device: where graphs leave tensors for other graphs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Residence {
    memory: &'static str,
    device: u32,
    provider: Provider,
}

impl Residence {
    /// The memory that a provider computes in on a device; `None` where that is the CPU's, or nobody knows.
    #[must_use]
    pub fn of(provider: Provider, device: u32) -> Option<Self> {
        let memory = provider.row().memory?;
        // The same memory, and nothing to compile.
        let provider = if provider == Provider::TensorRt { Provider::Cuda } else { provider };
        Some(Self { memory, device, provider })
    }

    /// The memory of the CPU, where ONNX Runtime keeps tensors as it does in that of a device.
    #[must_use]
    pub fn cpu() -> Self {
        Self { memory: "Cpu", device: 0, provider: Provider::Cpu }
    }

    /// The provider whose graphs join and part tensors there.
    pub(super) fn provider(&self) -> Provider {
        self.provider
    }

    pub(super) fn info(&self) -> Result<MemoryInfo<'static>, ort::Error> {
        let device = i32::try_from(self.device).unwrap_or(i32::MAX);
        let memory = AllocationDevice::new(self.memory);
        MemoryInfo::new(memory, device, AllocatorType::Device, MemoryType::Default)
    }
}

/// A tensor in a device's memory. Clones share it.
#[derive(Debug, Clone)]
pub struct Resident {
    value: Arc<DynTensor>,
    /// What allocated it lives as long as it does.
    _session: Arc<SharedSessionInner>,
    shape: Vec<usize>,
    element: ElementType,
}

impl Resident {
    /// What a run of a session left in a residence.
    pub(super) fn new(
        value: DynValue,
        session: Arc<SharedSessionInner>,
        residence: &Residence,
    ) -> Result<Self, String> {
        let value = value.downcast::<DynTensorValueType>().map_err(|fault| fault.to_string())?;
        let ty = value.data_type();
        let element = element(*ty).ok_or_else(|| format!("found elements of {ty}"))?;
        let shape = value.shape().iter().map(|&size| usize::try_from(size).unwrap_or(0)).collect();
        // Where it cannot be kept there, ONNX Runtime says nothing and takes the CPU's memory.
        let memory = value.memory_info().allocation_device();
        if memory.as_str() != residence.memory {
            return Err(format!(
                "found in the memory {:?}, expected {:?}",
                memory.as_str(),
                residence.memory
            ));
        }
        Ok(Self { value: Arc::new(value), _session: session, shape, element })
    }

    pub(super) fn value(&self) -> &DynTensor {
        &self.value
    }

    /// Dimensions, slowest first.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Type of its elements.
    #[must_use]
    pub fn element(&self) -> ElementType {
        self.element
    }
}
