//! Where what providers compile is kept: a folder for each graph, library, machine and choice of provider.

use std::{
    fs::File,
    io::Error as IoError,
    path::{Path, PathBuf},
    time::SystemTime,
};

use gst::glib;
use memchr::memmem;
use sha2::{Digest, Sha256};

use super::{Choice, Library};
use crate::error::Error;

/// Name of this plugin's folder in the user's cache folder.
const NAME: &str = "artclassify";

/// Bytes of the hash that stand in a folder's name.
const SHOWN: usize = 16;

/// Files that tell the driver and the board.
const MACHINE_FILES: [&str; 2] = ["/proc/driver/nvidia/version", "/proc/device-tree/model"];

/// The file that tells the CPU, and how the line starts.
const CPU_FILE: (&str, &str) = ("/proc/cpuinfo", "model name");

/// The folder with one folder for each NVIDIA GPU, the file in each that tells the GPU, and how the line starts.
const GPU_FILES: (&str, &str, &str) = ("/proc/driver/nvidia/gpus", "information", "Model:");

/// The folder below which compiled graphs are kept.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The folder of the user: below `XDG_CACHE_HOME`, or the system's own place.
    #[must_use]
    pub fn of_user() -> Self {
        Self { root: glib::user_cache_dir().join(NAME) }
    }

    /// Makes the folder for a graph, and says whether something is kept in it already. What is compiled depends on the
    /// graph with its weights, ONNX Runtime and its providers, the machine, the device, and whether it may compute in
    /// half precision: each other one of these has another folder.
    ///
    /// # Errors
    /// When the folder cannot be made or written, or the graph cannot be read.
    pub fn folder(
        &self,
        graph: &Path,
        library: &Library,
        choice: &Choice,
        device: u32,
        fp16: bool,
    ) -> Result<(PathBuf, bool), Error> {
        let mut sum = Sha256::new();
        sum.update(format!("{choice} {device} {fp16} {} {}\n", library.version(), std::env::consts::ARCH));
        add_machine(&mut sum);
        add_files(&mut sum, library.path(), "libonnxruntime");
        let hashed = add_graph(&mut sum, graph);
        let stem = graph.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let digits: String = sum.finalize().iter().take(SHOWN).map(|byte| format!("{byte:02x}")).collect();
        let folder = self.root.join(choice.provider.name()).join(format!("{stem}-{digits}"));
        let kept = hashed.and_then(|()| usable(&folder));
        let kept = kept.map_err(|fault| Error::Cache { path: folder.clone(), message: fault.to_string() })?;
        Ok((folder, kept))
    }

    /// Removes a folder in which nothing of use is kept.
    pub fn forget(folder: &Path) {
        // Where it stays, the next start only does not tell that it compiles.
        let _ = std::fs::remove_dir_all(folder);
    }
}

/// Makes a folder, tries to write into it, and says whether something lies in it.
fn usable(folder: &Path) -> Result<bool, IoError> {
    std::fs::create_dir_all(folder)?;
    tempfile::tempfile_in(folder)?;
    Ok(std::fs::read_dir(folder)?.next().is_some())
}

/// Adds a graph, and the files beside it that it names: its weights, where they are kept apart.
fn add_graph(sum: &mut Sha256, graph: &Path) -> Result<(), IoError> {
    let bytes = std::fs::read(graph)?;
    sum.update(&bytes);
    for beside in sorted(graph.parent().unwrap_or(Path::new(""))) {
        let name = beside.file_name().unwrap_or_default().as_encoded_bytes();
        if beside != graph && beside.is_file() && memmem::find(&bytes, name).is_some() {
            std::io::copy(&mut File::open(&beside)?, sum)?;
        }
    }
    Ok(())
}

/// Adds name, size and time of the files beside `file` whose names start so.
fn add_files(sum: &mut Sha256, file: &Path, start: &str) {
    for path in sorted(file.parent().unwrap_or(Path::new(""))) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if let Some(known) = path.metadata().ok().filter(|_| name.starts_with(start)) {
            let time = known.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let age = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            sum.update(format!("{name} {} {}\n", known.len(), age.as_nanos()));
        }
    }
}

/// Adds what the machine says of its processors. What it does not say is left out.
fn add_machine(sum: &mut Sha256) {
    MACHINE_FILES.iter().for_each(|file| sum.update(std::fs::read(file).unwrap_or_default()));
    let mut add_line = |file: &Path, start: &str| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        sum.update(text.lines().find(|line| line.starts_with(start)).unwrap_or_default());
    };
    add_line(Path::new(CPU_FILE.0), CPU_FILE.1);
    let (folder, file, start) = GPU_FILES;
    sorted(Path::new(folder)).iter().for_each(|gpu| add_line(&gpu.join(file), start));
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum_of(graph: &Path) -> Vec<u8> {
        let mut sum = Sha256::new();
        add_graph(&mut sum, graph).unwrap();
        sum.finalize().to_vec()
    }

    #[test]
    fn a_graph_is_known_by_its_bytes_and_its_weights() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &str| std::fs::write(folder.path().join(name), bytes).unwrap();
        let graph = folder.path().join("clip.onnx");
        write("clip.onnx", "graph with weights.bin");
        write("weights.bin", "1");
        write("labels.txt", "a");
        let first = sum_of(&graph);
        write("labels.txt", "b");
        assert_eq!(sum_of(&graph), first);
        write("weights.bin", "2");
        let second = sum_of(&graph);
        assert_ne!(second, first);
        write("clip.onnx", "GRAPH with weights.bin");
        assert_ne!(sum_of(&graph), second);
        assert!(add_graph(&mut Sha256::new(), &folder.path().join("gone.onnx")).is_err());
    }

    #[test]
    fn a_library_is_known_by_the_files_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("libonnxruntime.so");
        let sum = || {
            let mut sum = Sha256::new();
            add_files(&mut sum, &library, "libonnxruntime");
            sum.finalize()
        };
        std::fs::write(&library, "1").unwrap();
        let first = sum();
        std::fs::write(folder.path().join("other.so"), "1").unwrap();
        assert_eq!(sum(), first);
        std::fs::write(folder.path().join("libonnxruntime_providers_cuda.so"), "1").unwrap();
        assert_ne!(sum(), first);
    }

    #[test]
    fn a_folder_says_what_is_kept_in_it_and_whether_it_can_be_written() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("tensorrt/clip-00");
        assert!(!usable(&folder).unwrap());
        std::fs::write(folder.join("clip.engine"), "1").unwrap();
        assert!(usable(&folder).unwrap());
        assert!(usable(&folder.join("clip.engine")).is_err());
    }
}
