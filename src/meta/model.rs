//! `artclassify-model`: the structure of the message that tells of a model which took over.

use super::fields;

/// The message that the model of this name, the value `location` of the property `model`, is at work from now on.
#[must_use]
pub fn model_structure(model: &str, location: &str) -> gst::Structure {
    gst::Structure::builder(fields::MODEL_CHANGED)
        .field(fields::MODEL, model)
        .field(fields::LOCATION, location)
        .build()
}
