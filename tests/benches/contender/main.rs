//! One contender of `make bench`, in a process of its own: does the job that its only argument tells in JSON, and prints
//! what that cost as a line of JSON.
//!
//! The pictures come out of memory, at the model's size, so that decoding and scaling are in no figure.

#![allow(missing_docs)] // A program, not a library.

mod bare;
mod cost;
mod element;
mod job;
mod pictures;

use std::error::Error;

use job::{Job, Runner};

/// What becomes of a job: an error is told and ends the process.
type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let text = std::env::args().nth(1).ok_or("expected a job in JSON, see job.rs")?;
    let job: Job = serde_json::from_str(&text)?;
    gst::init()?;
    let report = match &job.runner {
        Runner::Bare { batch, spinning } => bare::run(&job, *batch, *spinning)?,
        Runner::Element { streams, properties, light } => element::run(&job, *streams, properties, *light)?,
    };
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(form: &str, runner: Runner, pictures: &std::path::Path) -> Job {
        let colours = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/colours");
        Job {
            model: std::path::Path::new(colours).join(form),
            pictures: pictures.to_owned(),
            windows: 5,
            hop: 2,
            threads: 1,
            gate: false,
            runner,
        }
    }

    #[test]
    fn both_forms_find_the_same_in_every_stream() {
        let folder = tempfile::tempdir().unwrap();
        let pictures = folder.path().join("pictures.rgb");
        let shades: Vec<u8> = (0..6u8).flat_map(|shade| [shade * 40, 90, 10].repeat(64)).collect();
        std::fs::write(&pictures, shades).unwrap();
        gst::init().unwrap();
        gstartclassify::plugin_register_static().unwrap();
        let found = |form: &str, light: bool| {
            let runner = Runner::Element { streams: 2, properties: String::new(), light };
            element::run(&job(form, runner, &pictures), 2, "", light).unwrap()
        };
        let wanted = found("clip.toml", false);
        assert_eq!((wanted.windows, wanted.scores.len()), (10, 5));
        assert_ne!(wanted.scores[0], wanted.scores[1]);
        for report in [found("model.toml", false), found("model.toml", true)] {
            assert!(report.windows >= 10);
            assert_eq!(report.scores.len(), wanted.scores.len());
            for (window, wanted) in report.scores.iter().zip(&wanted.scores) {
                let apart = |class| (window[class] - wanted[class]).abs();
                assert!(wanted.keys().map(apart).fold(0.0, f32::max) < 1e-5);
            }
        }
    }
}
