//! What is told on the bus while execution providers are tried.

use gst::prelude::*;

use crate::{engine::Notice, wording::one_line};

/// The code of progress messages about a model that is compiled.
const COMPILE: &str = "compile";

/// Posts a notice in the name of an element.
pub(super) fn post(element: &super::ArtClassify, notice: &Notice<'_>) {
    match notice {
        Notice::Skipped { fault, next } => {
            let text = one_line(&format!("{fault}; {next} is tried"));
            gst::element_warning!(element, gst::ResourceError::Settings, ("{text}"));
        }
        Notice::NotKept(fault) => {
            let text = one_line(&fault.to_string());
            gst::element_warning!(element, gst::ResourceError::OpenWrite, ("{text}"));
        }
        Notice::Compiling { choice, folders } => {
            let folders: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
            let kept = match folders.is_empty() {
                true => "it is not kept".to_owned(),
                false => format!("it is kept in {}", folders.join(" and ")),
            };
            let text = format!("{choice} compiles the model, which may take minutes; {kept}");
            progress(element, gst::ProgressType::Start, &text);
        }
        Notice::Compiled(choice) => {
            progress(element, gst::ProgressType::Complete, &format!("{choice} has compiled the model"));
        }
        Notice::NotCompiled(choice) => {
            let text = format!("{choice} could not compile the model");
            progress(element, gst::ProgressType::Error, &text);
        }
        Notice::TokensCopied { choice, fault } => {
            let text = one_line(&format!(
                "what the encoder makes of frames is copied from {choice} to the CPU and back, which costs time: {fault}"
            ));
            gst::element_info!(element, gst::ResourceError::Settings, ("{text}"), ["{text}"]);
        }
        Notice::Divided { choice, nodes } => {
            let text = format!("{choice} leaves nodes of the model to others; nodes by provider: {nodes}");
            // gst-launch-1.0 prints the second text alone.
            gst::element_info!(element, gst::ResourceError::Settings, ("{text}"), ["{text}"]);
        }
    }
}

fn progress(element: &super::ArtClassify, kind: gst::ProgressType, text: &str) {
    let message = gst::message::Progress::builder(kind, COMPILE, text).src(element).build();
    // Fails only where no application listens.
    let _ = element.post_message(message);
}
