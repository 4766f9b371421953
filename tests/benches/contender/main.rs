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
    fn all_contenders_find_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let pictures = folder.path().join("pictures.rgb");
        let shades: Vec<u8> = (0..6u8).flat_map(|shade| [shade * 40, 90, 10].repeat(64)).collect();
        std::fs::write(&pictures, shades).unwrap();
        gst::init().unwrap();
        gstartclassify::plugin_register_static().unwrap();
        let bare = || Runner::Bare { batch: 1, spinning: false };
        let wanted = bare::run(&job("clip.toml", bare(), &pictures), 1, false).unwrap().scores;
        assert_eq!(wanted.len(), 5);
        assert_ne!(wanted[0], wanted[1]);
        let close = |found: &[job::Scores]| {
            let pairs = found
                .iter()
                .zip(&wanted)
                .flat_map(|(found, wanted)| wanted.iter().map(|(class, score)| (found[class] - score).abs()));
            found.len() == wanted.len() && pairs.fold(0.0, f32::max) < 1e-5
        };
        assert!(close(&bare::run(&job("model.toml", bare(), &pictures), 1, false).unwrap().scores));
        for form in ["clip.toml", "model.toml"] {
            let runner = Runner::Element { streams: 2, properties: String::new(), light: false };
            let job = job(form, runner, &pictures);
            let report = element::run(&job, 2, "", false).unwrap();
            assert_eq!(report.windows, 10);
            assert!(close(&report.scores), "{form}");
            let report = element::run(&job, 2, "", true).unwrap();
            assert!(report.windows > 10 && close(&report.scores), "{form}");
        }
    }
}
