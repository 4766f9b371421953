//! The execution providers that the property `providers` may name, in one table.

/// An execution provider of ONNX Runtime: what computes the nodes of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // The table says what each is.
pub enum Provider {
    TensorRt,
    Cuda,
    MiGraphX,
    Rocm,
    OpenVino,
    DirectMl,
    CoreMl,
    Qnn,
    Acl,
    Xnnpack,
    Azure,
    Cpu,
}

/// What is known of a provider.
#[derive(Debug)]
pub struct Row {
    /// The provider.
    pub provider: Provider,
    /// Its name in the property `providers`.
    pub name: &'static str,
    /// Its name in ONNX Runtime.
    pub runtime: &'static str,
    /// What it runs on.
    pub hardware: &'static str,
    /// What has to be installed.
    pub needs: &'static str,
    /// Whether it compiles graphs as they load, which may take minutes.
    pub compiles: bool,
    /// Whether what it compiles is kept in the cache folder.
    pub cached: bool,
    /// Whether `auto` tries it.
    pub automatic: bool,
    /// The memory that it computes in, as ONNX Runtime names it, where that is not the CPU's and graphs of this provider
    /// can take what others left there.
    pub memory: Option<&'static str>,
}

/// Every provider, best first.
pub const PROVIDERS: &[Row] = &[
    Row {
        provider: Provider::TensorRt,
        name: "tensorrt",
        runtime: "TensorrtExecutionProvider",
        hardware: "NVIDIA GPUs, Jetson",
        needs: "an ONNX Runtime for GPUs (Python package onnxruntime-gpu, or NVIDIA's for Jetson) and the TensorRT, CUDA \
                and driver that it was built for",
        compiles: true,
        cached: true,
        automatic: true,
        memory: Some("Cuda"),
    },
    Row {
        provider: Provider::Cuda,
        name: "cuda",
        runtime: "CUDAExecutionProvider",
        hardware: "NVIDIA GPUs, Jetson",
        needs: "an ONNX Runtime for GPUs (Python package onnxruntime-gpu, or NVIDIA's for Jetson) and the CUDA, cuDNN and \
                driver that it was built for",
        compiles: false,
        cached: false,
        automatic: true,
        memory: Some("Cuda"),
    },
    Row {
        provider: Provider::MiGraphX,
        name: "migraphx",
        runtime: "MIGraphXExecutionProvider",
        hardware: "AMD GPUs",
        needs: "an ONNX Runtime that was built with MIGraphX, and ROCm",
        compiles: true,
        cached: false,
        automatic: true,
        memory: None,
    },
    Row {
        provider: Provider::Rocm,
        name: "rocm",
        runtime: "ROCMExecutionProvider",
        hardware: "AMD GPUs",
        needs: "an ONNX Runtime up to 1.22 that was built with ROCm, and ROCm",
        compiles: false,
        cached: false,
        automatic: true,
        memory: Some("Hip"),
    },
    Row {
        provider: Provider::OpenVino,
        name: "openvino",
        runtime: "OpenVINOExecutionProvider",
        hardware: "Intel CPUs; openvino:GPU, openvino:GPU.1, openvino:NPU and other devices of OpenVINO",
        needs: "an ONNX Runtime with OpenVINO (Python package onnxruntime-openvino) and a driver for the device",
        compiles: true,
        cached: true,
        automatic: true,
        memory: None,
    },
    Row {
        provider: Provider::DirectMl,
        name: "directml",
        runtime: "DmlExecutionProvider",
        hardware: "GPUs under Windows",
        needs: "an ONNX Runtime with DirectML (Python package onnxruntime-directml)",
        compiles: false,
        cached: false,
        automatic: true,
        memory: None,
    },
    Row {
        provider: Provider::CoreMl,
        name: "coreml",
        runtime: "CoreMLExecutionProvider",
        hardware: "Apple GPUs and neural engines",
        needs: "ONNX Runtime for macOS",
        compiles: true,
        cached: false,
        automatic: true,
        memory: None,
    },
    Row {
        provider: Provider::Qnn,
        name: "qnn",
        runtime: "QNNExecutionProvider",
        hardware: "Qualcomm NPUs",
        needs: "an ONNX Runtime with QNN (Python package onnxruntime-qnn) and its library QnnHtp",
        compiles: true,
        cached: false,
        automatic: true,
        memory: None,
    },
    Row {
        provider: Provider::Acl,
        name: "acl",
        runtime: "ACLExecutionProvider",
        hardware: "Arm CPUs",
        needs: "an ONNX Runtime that was built with the Arm Compute Library",
        compiles: false,
        cached: false,
        automatic: true,
        memory: None,
    },
    Row {
        provider: Provider::Xnnpack,
        name: "xnnpack",
        runtime: "XnnpackExecutionProvider",
        hardware: "CPUs of phones and boards",
        needs: "an ONNX Runtime that was built with XNNPACK",
        compiles: false,
        cached: false,
        automatic: false,
        memory: None,
    },
    Row {
        provider: Provider::Azure,
        name: "azure",
        runtime: "AzureExecutionProvider",
        hardware: "nothing here: operators that call a service",
        needs: "a graph with operators of Azure",
        compiles: false,
        cached: false,
        automatic: false,
        memory: None,
    },
    Row {
        provider: Provider::Cpu,
        name: "cpu",
        runtime: "CPUExecutionProvider",
        hardware: "any CPU",
        needs: "any ONNX Runtime",
        compiles: false,
        cached: false,
        automatic: true,
        memory: None,
    },
];

impl Provider {
    /// What is known of it.
    #[must_use]
    pub fn row(self) -> &'static Row {
        // The table has each once, as its test shows.
        &PROVIDERS[self as usize]
    }

    /// Its name in the property `providers`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }
}

/// The names of providers with commas between them.
pub fn names(providers: impl IntoIterator<Item = Provider>) -> String {
    providers.into_iter().map(Provider::name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_each_provider_in_its_place_and_ends_with_the_cpu() {
        for (place, row) in PROVIDERS.iter().enumerate() {
            assert_eq!(row.provider as usize, place, "{}", row.name);
            assert!(row.runtime.to_lowercase().ends_with("executionprovider"));
            assert!(row.compiles || !row.cached, "{}", row.name);
        }
        assert_eq!(PROVIDERS.last().map(|row| row.provider), Some(Provider::Cpu));
        assert_eq!(PROVIDERS.len(), Provider::Cpu as usize + 1);
    }
}
