//! `model.toml`: what a model takes and gives, in words that a person writes.

use std::path::{Path, PathBuf};

use super::{
    Activation, BoxFormat, GraphKind, InputSpec, Labels, ModelFile, OutputSpec, StatePorts,
    checksum::{is_sha256, sha256_of},
    document::{Document, Section},
    input::read_input,
    kinds::{Choice, FileName, Flag, Name, Text, Texts},
    limits,
};
use crate::error::Error;

const ACTIVATIONS: Choice<Activation> =
    Choice(&[("softmax", Activation::Softmax), ("sigmoid", Activation::Sigmoid), ("none", Activation::None)]);

const BOX_FORMATS: Choice<BoxFormat> = Choice(&[("cxcywh", BoxFormat::Cxcywh), ("xyxy", BoxFormat::Xyxy)]);

/// The forms that the graphs of a model come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Clip,
    Split,
    Stream,
}

const FORMS: Choice<Form> = Choice(&[("clip", Form::Clip), ("split", Form::Split), ("stream", Form::Stream)]);

/// A manifest that was read and found to be sound in itself.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The file it was read from.
    pub path: PathBuf,
    /// Name of the model.
    pub name: String,
    /// Version of the model; may be empty.
    pub version: String,
    /// What the model takes.
    pub input: InputSpec,
    /// Its graphs.
    pub graph: GraphKind,
    /// Whether providers may compute it in half precision.
    pub fp16: bool,
    /// What it gives.
    pub outputs: OutputSpec,
    /// Its classes.
    pub labels: Labels,
}

impl Manifest {
    /// Reads the manifest at `location`, a folder with a `model.toml` or the file itself, and the labels and
    /// checksums it names.
    ///
    /// # Errors
    /// When a file is missing, a key is unknown, missing or wrong, or a checksum differs.
    pub fn load(location: &Path) -> Result<Self, Error> {
        if location.as_os_str().is_empty() {
            return Err(Error::Property {
                name: "model",
                found: "an empty text".into(),
                expected: "a folder with a model.toml, or that file".into(),
            });
        }
        let folder = location.is_dir();
        let file = ModelFile {
            path: if folder { location.join("model.toml") } else { location.to_owned() },
            what: if folder { "manifest" } else { "model folder or manifest" },
            hint: "the property model takes a folder with a model.toml, or that file".into(),
        };
        Self::parse(&file.read(limits::MANIFEST_BYTES)?, &file.path)
    }

    /// Reads a manifest from the bytes of the file `path`.
    ///
    /// # Errors
    /// As [`Manifest::load`].
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, Error> {
        let document = Document::parse(bytes, path)?;
        let model = document.section("model")?;
        let name = model.needed("name", &Name)?;
        let version = model.get("version", &Text("text in quotes"))?.unwrap_or_default();
        let section = document.section("graph")?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let graph = read_graph(&section, folder)?;
        let fp16 = section.get("fp16", &Flag)?.unwrap_or(false);
        let whole_window = matches!(graph, GraphKind::Clip { .. });
        let input = read_input(&document.section("input")?, whole_window, section.get("input", &Name)?)?;
        let section_of_outputs = document.section("outputs")?;
        let outputs = read_outputs(&section_of_outputs)?;
        if matches!(graph, GraphKind::Stream { head: None, .. }) {
            for key in ["boxes", "relevance", "attention"] {
                section_of_outputs
                    .without(key, "scores and no regions: a stream graph sees one sample at a time")?;
            }
        }
        let labels = read_labels(&document.section("labels")?, folder, path)?;
        for file in graph.files() {
            graph_file(file, path).open()?;
        }
        check_sums(&section, &graph, folder, path)?;
        Ok(Self { path: path.to_owned(), name, version, input, graph, fp16, outputs, labels })
    }
}

fn graph_file(file: &Path, manifest: &Path) -> ModelFile {
    let hint = format!("{} names it: put the file there or mend the name", manifest.display());
    ModelFile { path: file.to_owned(), what: "graph file", hint }
}

fn read_graph(section: &Section<'_>, folder: &Path) -> Result<GraphKind, Error> {
    let form = section.needed("kind", &FORMS)?;
    let whole = section.get("file", &FileName)?.is_some();
    let (kind, own, others): (&str, &[&str], &[&str]) = match form {
        Form::Clip => ("clip", &["file"], &["encoder", "head"]),
        Form::Split => ("split", &["encoder", "head"], &["file"]),
        Form::Stream if whole => ("stream", &["file"], &["encoder", "head"]),
        Form::Stream => ("stream", &["encoder", "head"], &["file"]),
    };
    for key in others {
        section.without(key, &format!("{} and no other file with kind = {kind:?}", own.join(" and ")))?;
    }
    if form != Form::Stream {
        section.without("state", &format!("no states with kind = {kind:?}: they need \"stream\""))?;
    }
    let path = |key| Ok(folder.join(section.needed(key, &FileName)?));
    Ok(match form {
        Form::Clip => GraphKind::Clip { file: path("file")? },
        Form::Split => GraphKind::Split { encoder: path("encoder")?, head: path("head")? },
        Form::Stream if whole => {
            GraphKind::Stream { encoder: path("file")?, head: None, states: read_states(section)? }
        }
        Form::Stream => {
            let states = read_states(section)?;
            GraphKind::Stream { encoder: path("encoder")?, head: Some(path("head")?), states }
        }
    })
}

fn read_states(section: &Section<'_>) -> Result<Vec<StatePorts>, Error> {
    let expected = "a table from input to output, such as { shift = \"shift_next\" }";
    let table = section.needed_table("state", expected)?;
    let state = |input: &str| Ok(StatePorts { input: input.to_owned(), output: table.needed(input, &Name)? });
    let states = table.keys().map(state).collect::<Result<Vec<_>, Error>>()?;
    if states.is_empty() {
        return Err(section.fault("state", expected));
    }
    Ok(states)
}

fn read_outputs(section: &Section<'_>) -> Result<OutputSpec, Error> {
    let scores = section.needed_table("scores", "a table with a name, such as { name = \"logits\" }")?;
    let boxes = section.table("boxes", "a table, such as { name = \"boxes\", format = \"cxcywh\" }")?;
    let name = |key| {
        let table = section.table(key, &format!("a table with a name, such as {{ name = {key:?} }}"))?;
        table.map(|table| table.needed("name", &Name)).transpose()
    };
    Ok(OutputSpec {
        scores: scores.needed("name", &Name)?,
        activation: scores.get("activation", &ACTIVATIONS)?.unwrap_or(Activation::Softmax),
        boxes: boxes
            .map(|boxes| Ok((boxes.needed("name", &Name)?, boxes.needed("format", &BOX_FORMATS)?)))
            .transpose()?,
        relevance: name("relevance")?,
        attention: name("attention")?,
        queries: name("queries")?,
    })
}

fn read_labels(section: &Section<'_>, folder: &Path, path: &Path) -> Result<Labels, Error> {
    let background = section.get("background", &Texts)?.unwrap_or_default();
    match (section.get("names", &Texts)?, section.get("file", &FileName)?) {
        (Some(names), None) => Labels::new(names, &background, path),
        (None, Some(file)) => {
            let hint = "labels.file names it, relative to the manifest: put the file there or mend the name"
                .to_owned();
            let file = ModelFile { path: folder.join(file), what: "labels file", hint };
            let names = Labels::read(&file.read(limits::LABELS_BYTES)?, &file.path)?;
            Labels::new(names, &background, &file.path)
        }
        (names, _) => {
            let found = if names.is_some() { "both file and names" } else { "neither file nor names" };
            Err(section.conflict(found, "one of file and names"))
        }
    }
}

fn check_sums(section: &Section<'_>, graph: &GraphKind, folder: &Path, path: &Path) -> Result<(), Error> {
    let table = "a table from file name to checksum";
    let Some(sums) = section.table("sha256", table)? else { return Ok(()) };
    for name in sums.keys() {
        let expected = sums.needed(name, &Text("the 64 hexadecimal digits that sha256sum prints"))?;
        if !is_sha256(&expected) {
            return Err(sums.fault(name, "the 64 hexadecimal digits that sha256sum prints"));
        }
        let file = graph_file(&folder.join(name), path);
        if !graph.files().contains(&file.path.as_path()) {
            return Err(section.conflict(
                format!("a checksum of {name:?}, which is no graph of this model"),
                "checksums of its graph files only",
            ));
        }
        let found = sha256_of(&file)?;
        if !found.eq_ignore_ascii_case(&expected) {
            let expected = format!("{expected} by {}: copy the file again, or mend the sum", path.display());
            return Err(Error::contents(&file.path, "sha256", found, expected));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = r#"
        [model]
        name = "tiny"
        [input]
        frames = 4
        fps = 10.0
        width = 8
        height = 8
        layout = "NTHWC"
        dtype = "uint8"
        [graph]
        kind = "clip"
        file = "clip.onnx"
        [outputs]
        scores = { name = "logits" }
        [labels]
        names = ["pike", "background"]
        background = ["background"]
    "#;

    fn load(text: &str) -> Result<Manifest, Error> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("clip.onnx"), b"graph").unwrap();
        std::fs::create_dir(folder.path().join("folder.onnx")).unwrap();
        std::fs::write(folder.path().join("model.toml"), text).unwrap();
        Manifest::load(folder.path())
    }

    #[test]
    fn a_bare_minimum_has_honest_defaults() {
        let manifest = load(SOUND).unwrap();
        assert_eq!(manifest.outputs.activation, Activation::Softmax);
        assert!(manifest.labels.is_background(1) && !manifest.labels.is_background(0));
    }

    #[test]
    fn faults_name_the_key_what_was_found_and_what_was_expected() {
        let sum = |sum: &str| format!("[graph.sha256]\n\"clip.onnx\" = \"{sum}\"\n[outputs]");
        let (short, wrong) = (sum("00ff"), sum(&"0".repeat(64)));
        let other = wrong.replace("clip.onnx", "other.onnx");
        for (from, to, words) in [
            ("[model]", "[model", ["line 2", "TOML"]),
            ("name = \"tiny\"", "", ["model.name: found nothing", "add it to [model]"]),
            ("\"tiny\"", "\"ti\\u0000ny\"", ["model.name", "control character"]),
            ("[input]", "[inputs]", ["inputs: found a key", "did you mean \"input\"?"]),
            ("\"clip\"", "\"slip\"", ["graph.kind", "\"clip\", \"split\" or \"stream\""]),
            ("\"clip\"", "\"split\"", ["graph.file: found \"clip.onnx\"", "encoder and head"]),
            ("clip.onnx\"", "gone.onnx\"", ["gone.onnx", "no such graph file"]),
            ("clip.onnx\"", "folder.onnx\"", ["folder.onnx", "found a folder"]),
            ("file = \"clip.onnx\"", "encoder = \"clip.onnx\"", ["graph.encoder", "file and no other"]),
            ("\"clip\"", "\"clip\"\nstate = { a = \"b\" }", ["graph.state: found", "they need \"stream\""]),
            ("\"clip\"", "\"stream\"", ["graph.state: found nothing", "from input to output"]),
            ("\"clip\"", "\"stream\"\nstate = {}", ["graph.state: found {}", "from input to output"]),
            ("\"clip\"", "\"stream\"\nstate = { a = 1 }", ["graph.state.a: found 1", "text in quotes"]),
            ("file = \"clip.onnx\"", "", ["graph.file: found nothing", "add it to [graph]"]),
            ("[outputs]", "fp16 = 1\n[outputs]", ["graph.fp16: found 1 (a whole", "true or false"]),
            ("{ name = \"logits\" }", "\"logits\"", ["outputs.scores: found \"logits\" (text", "{ name = "]),
            ("{ name = \"logits\" }", "{}", ["outputs.scores.name: found nothing", "[outputs.scores]"]),
            ("[\"pike\", \"background\"]", "[]", ["labels", "found none"]),
            ("names = [\"pike\", \"background\"]", "", ["labels: found neither", "one of file and names"]),
            ("names =", "file = \"x\"\nnames =", ["labels: found both", "one of file and names"]),
            ("[outputs]", &short, ["graph.sha256.clip.onnx: found \"00ff\"", "64 hexadecimal"]),
            ("[outputs]", &wrong, ["clip.onnx: sha256: found", "copy the file again"]),
            ("[outputs]", &other, ["\"other.onnx\", which is no graph", "its graph files only"]),
        ] {
            let fault = load(&SOUND.replacen(from, to, 1)).unwrap_err().to_string();
            for word in words {
                assert!(fault.contains(word), "{to}: {fault}");
            }
        }
    }

    #[test]
    fn a_stream_graph_names_its_states_and_gives_no_regions() {
        let stream = SOUND.replacen("\"clip\"", "\"stream\"\nstate = { before = \"after\" }", 1);
        let manifest = load(&stream).unwrap();
        let states = [StatePorts { input: "before".into(), output: "after".into() }];
        assert_eq!((manifest.graph.states(), manifest.graph.head()), (&states[..], None));
        let fault = load(&stream.replacen("[labels]", "relevance = { name = \"r\" }\n[labels]", 1));
        let fault = fault.unwrap_err().to_string();
        assert!(fault.contains("outputs.relevance") && fault.contains("one sample at a time"), "{fault}");
    }

    #[test]
    fn a_location_that_is_none_says_what_to_give() {
        for (location, words) in
            [("/nowhere/model", "/nowhere/model: no such"), ("", "property model: found an empty")]
        {
            let fault = Manifest::load(Path::new(location)).unwrap_err().to_string();
            assert!(fault.contains(words) && fault.contains("a folder with a model.toml"), "{fault}");
        }
    }
}
