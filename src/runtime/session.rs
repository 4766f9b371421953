//! How sessions are set up: threads, memory, and the options of each execution provider.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use ort::ep::{self, ArenaExtendStrategy, ExecutionProvider, ExecutionProviderDispatch};

use super::{Residence, chain::Choice, provider::Provider};

/// The library of QNN that runs graphs on the NPU.
const QNN_BACKEND: &str = if cfg!(windows) { "QnnHtp.dll" } else { "libQnnHtp.so" };

/// Settings of the sessions of a model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct SessionSettings {
    /// The provider that has to run the graphs, and those that take the nodes that it leaves, in order. The CPU
    /// takes the rest in any case.
    pub providers: Vec<Choice>,
    /// Number of the GPU.
    pub device: u32,
    /// Threads that a run may use on the CPU; 0 for as many as there are cores.
    pub threads: usize,
    /// Whether memory that a run gave back is kept for the next one.
    pub arena: bool,
    /// Whether providers that can may compute with numbers of less precision than the graph's.
    pub fp16: bool,
    /// The memory in which what an encoder makes of samples may stay; none for that of the CPU.
    pub residence: Option<Residence>,
    /// For each graph, the folder for what a provider compiles; none where it is not kept.
    pub cache: BTreeMap<PathBuf, PathBuf>,
}

impl SessionSettings {
    /// The provider that has to run the graphs.
    #[must_use]
    pub fn first(&self) -> Provider {
        self.providers.first().map_or(Provider::Cpu, |choice| choice.provider)
    }

    /// What ONNX Runtime is to register for a graph, in order. Only the first one has to succeed.
    pub(super) fn dispatches(&self, graph: &Path) -> Vec<ExecutionProviderDispatch> {
        let cache = self.cache.get(graph).map(PathBuf::as_path);
        let mut chosen: Vec<&Choice> = Vec::new();
        for choice in self.providers.iter().take_while(|choice| choice.provider != Provider::Cpu) {
            // ONNX Runtime takes each provider once.
            if chosen.iter().all(|other| other.provider != choice.provider) {
                chosen.push(choice);
            }
        }
        let mut dispatches: Vec<_> = chosen.into_iter().map(|choice| self.dispatch(choice, cache)).collect();
        if let Some(first) = dispatches.first_mut() {
            *first = first.clone().error_on_failure();
        }
        dispatches.push(ep::CPU::default().with_arena_allocator(self.arena).build().error_on_failure());
        dispatches
    }

    fn dispatch(&self, choice: &Choice, cache: Option<&Path>) -> ExecutionProviderDispatch {
        let device = i32::try_from(self.device).unwrap_or(i32::MAX);
        let cache = cache.map(|folder| folder.display().to_string());
        match choice.provider {
            Provider::TensorRt => {
                let options = ep::TensorRT::default().with_device_id(device).with_fp16(self.fp16);
                match cache {
                    Some(folder) => options
                        .with_engine_cache(true)
                        .with_engine_cache_path(&folder)
                        .with_timing_cache(true)
                        .with_timing_cache_path(folder)
                        .build(),
                    None => options.build(),
                }
            }
            // The heuristic finds a convolution in milliseconds; the search, which is the default, runs all of them for
            // each new shape. An arena that doubles its steps takes up to twice the memory that the model needs.
            Provider::Cuda => ep::CUDA::default()
                .with_device_id(device)
                .with_conv_algorithm_search(ep::cuda::ConvAlgorithmSearch::Heuristic)
                .with_arena_extend_strategy(ArenaExtendStrategy::SameAsRequested)
                .with_tf32(self.fp16)
                .build(),
            Provider::MiGraphX => ep::MIGraphX::default().with_device_id(device).with_fp16(self.fp16).build(),
            Provider::Rocm => ep::ROCm::default()
                .with_device_id(device)
                .with_arena_extend_strategy(ArenaExtendStrategy::SameAsRequested)
                .build(),
            Provider::OpenVino => {
                let mut options = ep::OpenVINO::default();
                if let Some(target) = &choice.target {
                    options = options.with_device_type(target);
                    if target.starts_with("GPU") {
                        options = options.with_precision(if self.fp16 { "FP16" } else { "FP32" });
                    }
                }
                if self.threads > 0 {
                    options = options.with_num_threads(self.threads);
                }
                if let Some(folder) = cache {
                    options = options.with_cache_dir(folder);
                }
                options.build()
            }
            Provider::DirectMl => ep::DirectML::default().with_device_id(device).build(),
            Provider::CoreMl => ep::CoreML::default().build(),
            Provider::Qnn => {
                ep::QNN::default().with_backend_path(QNN_BACKEND).with_htp_fp16_precision(self.fp16).build()
            }
            Provider::Acl => ep::ACL::default().build(),
            Provider::Xnnpack => {
                let cores = || std::thread::available_parallelism().ok();
                let threads = std::num::NonZeroUsize::new(self.threads).or_else(cores);
                let options = ep::XNNPACK::default();
                match threads {
                    Some(threads) => options.with_intra_op_num_threads(threads).build(),
                    None => options.build(),
                }
            }
            Provider::Azure => ep::Azure::default().build(),
            Provider::Cpu => ep::CPU::default().with_arena_allocator(self.arena).build(),
        }
    }
}

/// Whether the loaded library was built with a provider, as it says itself.
pub(super) fn is_built_in(provider: Provider) -> bool {
    let said = match provider {
        Provider::TensorRt => ep::TensorRT::is_available(),
        Provider::Cuda => ep::CUDA::is_available(),
        Provider::MiGraphX => ep::MIGraphX::is_available(),
        Provider::Rocm => ep::ROCm::is_available(),
        Provider::OpenVino => ep::OpenVINO::is_available(),
        Provider::DirectMl => ep::DirectML::is_available(),
        Provider::CoreMl => ep::CoreML::is_available(),
        Provider::Qnn => ep::QNN::is_available(),
        Provider::Acl => ep::ACL::is_available(),
        Provider::Xnnpack => ep::XNNPACK::is_available(),
        Provider::Azure => ep::Azure::is_available(),
        Provider::Cpu => ep::CPU::is_available(),
    };
    said.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::provider::PROVIDERS;

    #[test]
    fn the_provider_is_registered_first_and_the_cpu_last() {
        let names = |providers: &[Provider]| {
            let providers = providers.iter().map(|&provider| provider.into()).collect();
            let settings = SessionSettings { providers, ..SessionSettings::default() };
            settings.dispatches(Path::new("a.onnx")).iter().map(|each| each.name()).collect::<Vec<_>>()
        };
        for row in PROVIDERS.iter().filter(|row| row.provider != Provider::Cpu) {
            assert_eq!(names(&[row.provider]), [row.runtime, "CPUExecutionProvider"]);
        }
        assert_eq!(names(&[]), ["CPUExecutionProvider"]);
        assert_eq!(names(&[Provider::Cpu, Provider::Cuda]), ["CPUExecutionProvider"]);
        assert_eq!(
            names(&[Provider::OpenVino, Provider::OpenVino]),
            ["OpenVINOExecutionProvider", "CPUExecutionProvider"]
        );
        assert_eq!(
            names(&[Provider::TensorRt, Provider::Cuda, Provider::Cpu]),
            ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
        );
    }
}
