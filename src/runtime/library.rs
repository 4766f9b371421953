//! Finding and loading the ONNX Runtime library that the machine has.

use std::{
    ffi::CStr,
    path::{Path, PathBuf},
};

use once_cell::sync::OnceCell;
use ort::{environment::Environment, logging::LogLevel};

use super::{
    provider::{PROVIDERS, Provider},
    session::is_built_in,
};
use crate::error::Error;

/// The environment variable that names the library.
const VARIABLE: &str = "ORT_DYLIB_PATH";

/// The names that the system's loader looks for.
const LOADER_NAMES: [&str; 2] = ["libonnxruntime.so", "libonnxruntime.so.1"];

/// A loaded ONNX Runtime. There is one a process, and it is never unloaded.
#[derive(Debug)]
pub struct Library {
    environment: Environment,
    path: PathBuf,
    version: String,
}

static LIBRARY: OnceCell<Library> = OnceCell::new();

impl Library {
    /// The library, loaded at the first call that finds one: named by `ORT_DYLIB_PATH`, or else beside the
    /// plugin, in the folder above, which is that of the system's libraries for a plugin that was installed for all
    /// users, where the system's loader looks, or in a Python package.
    ///
    /// # Errors
    /// When none is found or the one that is named cannot be used. A later call tries again.
    pub fn get(plugin_folder: Option<&Path>) -> Result<&'static Self, Error> {
        LIBRARY.get_or_try_init(|| match std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
            Some(named) => {
                let named = PathBuf::from(named);
                if named.exists() {
                    return Self::load(&named);
                }
                let hint = format!(
                    "{VARIABLE} names it, expected libonnxruntime.so 1.17 or newer: set it to that file, or unset \
                     it to search the machine"
                );
                Err(Error::Missing { path: named, what: "ONNX Runtime library", hint })
            }
            None => Self::search(plugin_folder),
        })
    }

    /// The file it was loaded from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The version that it states, such as `1.23.0`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The execution providers that it was built with, best first. Only a run proves that one of them works here.
    #[must_use]
    pub fn providers(&self) -> Vec<Provider> {
        PROVIDERS.iter().map(|row| row.provider).filter(|&provider| is_built_in(provider)).collect()
    }

    /// The environment of the process, which all sessions belong to.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    fn load(path: &Path) -> Result<Self, Error> {
        let unusable = |message: String| Error::RuntimeUnusable { path: path.to_owned(), message };
        let builder = ort::init_from(path).map_err(|fault| unusable(fault.to_string()))?;
        let environment =
            builder.with_telemetry(false).build().map_err(|fault| unusable(fault.to_string()))?;
        environment.set_log_level(LogLevel::Fatal);
        let version = stated_version(path).map_err(|fault| unusable(fault.to_string()))?;
        Ok(Self { environment, path: path.to_owned(), version })
    }

    fn search(plugin_folder: Option<&Path>) -> Result<Self, Error> {
        let mut tried = vec![format!("{VARIABLE}, which is not set")];
        let mut fault = None;
        let near = [plugin_folder, plugin_folder.and_then(Path::parent)];
        let beside: Vec<PathBuf> = near.into_iter().flatten().flat_map(libraries_in).collect();
        tried.extend(near.into_iter().flatten().map(|folder| folder.display().to_string()));
        let loader = LOADER_NAMES.map(PathBuf::from);
        tried.push("the system's loader".into());
        let packages = python_packages();
        tried.push("the Python package onnxruntime".into());
        for path in beside.iter().chain(&loader).chain(&packages) {
            match Self::load(path) {
                Ok(library) => return Ok(library),
                // A name that the loader does not find says nothing about a library.
                Err(_) if path.is_relative() => {}
                Err(unusable) => fault = fault.or(Some(unusable)),
            }
        }
        Err(fault.unwrap_or(Error::RuntimeMissing { tried }))
    }
}

/// The version that an ONNX Runtime library states.
fn stated_version(path: &Path) -> Result<String, libloading::Error> {
    // SAFETY: the library was loaded before, so that nothing of it is initialised anew. `OrtGetApiBase` has this
    // signature in every version, and the text that it leads to lives as long as the library, which `ort` never unloads.
    unsafe {
        let library = libloading::Library::new(path)?;
        let base = library.get::<unsafe extern "C" fn() -> *const ort::sys::OrtApiBase>(b"OrtGetApiBase")?;
        let text = ((*base()).GetVersionString)();
        Ok(CStr::from_ptr(text).to_string_lossy().into_owned())
    }
}

/// The ONNX Runtime libraries in a folder.
fn libraries_in(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = entries(folder)
        .into_iter()
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name == "libonnxruntime.so" || name.starts_with("libonnxruntime.so.")
        })
        .collect();
    found.sort();
    found
}

/// The libraries of installed Python packages: of the active virtual environment, the user, the system.
fn python_packages() -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/lib"));
    let active = std::env::var_os("VIRTUAL_ENV").map(|folder| PathBuf::from(folder).join("lib"));
    let system = ["/usr/local/lib", "/usr/lib"].map(PathBuf::from);
    let mut found = Vec::new();
    for lib in active.into_iter().chain(home).chain(system) {
        let mut pythons: Vec<PathBuf> = entries(&lib)
            .into_iter()
            .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("python3")))
            .collect();
        pythons.sort();
        for python in pythons.iter().rev() {
            for packages in ["site-packages", "dist-packages"] {
                found.extend(libraries_in(&python.join(packages).join("onnxruntime/capi")));
            }
        }
    }
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).map(|all| all.flatten().map(|entry| entry.path()).collect()).unwrap_or_default()
}
