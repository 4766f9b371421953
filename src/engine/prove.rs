//! From a chain of execution providers to a model on the first of them that runs it.
//!
//! That ONNX Runtime was built with a provider says nothing of this machine. So each is tried: its sessions are made, the
//! model runs in it over an empty window, and the nodes are counted that ran there.

use std::path::{Path, PathBuf};

use super::{Model, workers::Workers};
use crate::{
    error::Error,
    model::Manifest,
    runtime::{Cache, Chain, Choice, Library, Provider, Residence, SessionSettings, names},
};

/// What is told while providers are tried.
#[derive(Debug)]
pub enum Notice<'a> {
    /// A provider does not run the model; the next one is tried.
    Skipped {
        /// Why.
        fault: &'a Error,
        /// What is tried now.
        next: &'a Choice,
    },
    /// What a provider compiles cannot be kept.
    NotKept(&'a Error),
    /// A provider compiles the model, which may take minutes.
    Compiling {
        /// The provider.
        choice: &'a Choice,
        /// Folders in which the result is kept.
        folders: Vec<&'a Path>,
    },
    /// It is done.
    Compiled(&'a Choice),
    /// It failed.
    NotCompiled(&'a Choice),
    /// Tokens are copied to the CPU and back, since they cannot stay where the provider computes.
    TokensCopied {
        /// The provider.
        choice: &'a Choice,
        /// Why.
        fault: &'a Error,
    },
    /// Nodes of the model run on other providers than the one that was proved.
    Divided {
        /// The provider.
        choice: &'a Choice,
        /// Number of nodes on each, in words.
        nodes: String,
    },
}

/// What is to run, and where.
pub struct Request<'a> {
    /// What the model says of itself.
    pub manifest: &'a Manifest,
    /// ONNX Runtime.
    pub library: &'static Library,
    /// The providers to try.
    pub chain: &'a Chain,
    /// Whether only the first of them will do.
    pub strict: bool,
    /// Settings of the sessions, whatever the provider. The threads are those of all runs together.
    pub settings: &'a SessionSettings,
    /// Runs that go on at a time, each on a copy of the model; 0 for what suits the model and the CPU.
    pub workers: usize,
    /// Largest batch.
    pub batch: usize,
}

/// A model on a provider that ran it.
pub struct Proof {
    /// The model, warmed up.
    pub model: Model,
    /// Further copies of it, for runs at the same time.
    pub copies: Vec<Model>,
    /// The provider.
    pub choice: Choice,
    /// Number of nodes that ran on each provider, in words; on the CPU alone, its name.
    pub nodes: String,
}

impl Request<'_> {
    /// Tries the providers in order and takes the first that runs the model. `tell` is called as things happen.
    ///
    /// # Errors
    /// Why the last provider that was tried does not run the model, or, where it is the CPU, what is wrong with the model.
    pub fn prove(&self, tell: &dyn Fn(&Notice<'_>)) -> Result<Proof, Error> {
        let choices = self.chain.choices(self.library);
        let mut tried = 0;
        loop {
            let fault = match self.attempt(&choices[tried..], tell) {
                Ok(proof) => return Ok(proof),
                Err(fault) => fault,
            };
            tried += 1;
            match choices.get(tried).filter(|_| !self.strict) {
                Some(next) => tell(&Notice::Skipped { fault: &fault, next }),
                None => return Err(fault),
            }
        }
    }

    /// Tries the first of the choices. The others take the nodes that it leaves.
    fn attempt(&self, choices: &[Choice], tell: &dyn Fn(&Notice<'_>)) -> Result<Proof, Error> {
        let choice = choices.first().cloned().unwrap_or(Provider::Cpu.into());
        let mut settings = SessionSettings { providers: choices.to_vec(), ..self.settings.clone() };
        settings.fp16 = self.manifest.fp16;
        let workers = Workers::new(self.workers, self.manifest, choice.provider, &settings);
        settings.threads = workers.threads;
        // Copies of the model have sessions of their own, each with memory of its own.
        settings.residence = Residence::of(choice.provider, settings.device).filter(|_| workers.count == 1);
        if choice.provider == Provider::Cpu {
            let model = Model::load(self.manifest, self.library, &settings, self.batch)?;
            let copies = self.copies(&model, workers, &settings)?;
            return Ok(Proof { model, copies, nodes: choice.to_string(), choice });
        }
        let has = self.library.providers();
        if !has.contains(&choice.provider) {
            let (version, path) = (self.library.version(), self.library.path().display());
            let why = format!("ONNX Runtime {version}, {path}, was built without it (it has {})", names(has));
            return Err(self.fault(&choice, why));
        }
        let row = choice.provider.row();
        let kept = row.cached && self.find_cache(&choice, &mut settings, tell);
        let compiles = row.compiles && !kept;
        if compiles {
            let folders = settings.cache.values().map(PathBuf::as_path).collect();
            tell(&Notice::Compiling { choice: &choice, folders });
        }
        let loaded = Model::load(self.manifest, self.library, &settings, self.batch);
        if compiles {
            let done = if loaded.is_ok() { Notice::Compiled(&choice) } else { Notice::NotCompiled(&choice) };
            tell(&done);
        }
        if loaded.is_err() && !kept {
            settings.cache.values().for_each(|folder| Cache::forget(folder));
        }
        let model = loaded.map_err(|fault| {
            let mut why = match fault {
                Error::Graph { message, .. } | Error::Inference { message, .. } => message,
                other => other.to_string(),
            };
            if kept {
                let folders: Vec<_> =
                    settings.cache.values().map(|folder| folder.display().to_string()).collect();
                why += &format!(
                    " (compiled before, into {}: remove it if it is damaged)",
                    folders.join(" and ")
                );
            }
            self.fault(&choice, why)
        })?;
        let placement = model.placement().cloned().unwrap_or_default();
        let nodes = placement.to_string();
        if placement.on(choice.provider) == 0 {
            let why = format!("it took none of the {} nodes, which ran on: {nodes}", placement.all());
            return Err(self.fault(&choice, why));
        }
        if placement.on(choice.provider) < placement.all() {
            tell(&Notice::Divided { choice: &choice, nodes: nodes.clone() });
        }
        if let Some(fault) = model.not_kept() {
            tell(&Notice::TokensCopied { choice: &choice, fault });
        }
        let copies = self.copies(&model, workers, &settings)?;
        Ok(Proof { model, copies, choice, nodes })
    }

    /// As many copies of a model as let all workers run at a time.
    fn copies(
        &self,
        model: &Model,
        workers: Workers,
        settings: &SessionSettings,
    ) -> Result<Vec<Model>, Error> {
        let load = || model.copy(self.manifest, self.library, settings);
        let loaded: Vec<_> = std::thread::scope(|scope| {
            let loading: Vec<_> = (1..workers.count).map(|_| scope.spawn(load)).collect();
            loading.into_iter().map(|copy| copy.join().unwrap_or(Err(Error::Panicked))).collect()
        });
        let copies: Result<Vec<Model>, Error> = loaded.into_iter().collect();
        copies.map_err(|fault| Error::Property {
            name: "workers",
            found: workers.count.to_string(),
            expected: format!("1: a further copy of the model does not load: {fault}"),
        })
    }

    /// Finds the folders for what is compiled, and says whether something is kept in each.
    fn find_cache(
        &self,
        choice: &Choice,
        settings: &mut SessionSettings,
        tell: &dyn Fn(&Notice<'_>),
    ) -> bool {
        let cache = Cache::of_user();
        let mut all_kept = true;
        for graph in self.manifest.graph.files() {
            match cache.folder(graph, self.library, choice, settings.device, settings.fp16) {
                Ok((folder, kept)) => {
                    all_kept &= kept;
                    settings.cache.insert(graph.to_owned(), folder);
                }
                Err(fault) => {
                    tell(&Notice::NotKept(&fault));
                    settings.cache.clear();
                    return false;
                }
            }
        }
        all_kept
    }

    fn fault(&self, choice: &Choice, why: String) -> Error {
        let strict = if self.strict { ", or set strict=false to take the next one" } else { "" };
        let cure = format!(
            "{choice} needs {}; providers=cpu tells whether the model itself is at fault{strict}",
            choice.provider.row().needs
        );
        Error::Provider { provider: choice.to_string(), model: self.manifest.path.clone(), why, cure }
    }
}
