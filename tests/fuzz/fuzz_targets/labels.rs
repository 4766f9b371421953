//! Labels files of any bytes, and background names out of them and not.

#![no_main]

use std::{collections::HashSet, path::Path};

use gstartclassify::model::{Labels, limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let path = Path::new("labels.txt");
    let names = match Labels::read(data, path) {
        Ok(names) => names,
        Err(fault) => return assert!(fault.to_string().starts_with("labels.txt: line ")),
    };
    // The first label is an action.
    let known: Vec<String> = names.iter().skip(1).step_by(3).take(3).cloned().collect();
    let unknown = ["\n".to_owned()];
    assert!(Labels::new(names.iter().take(9).cloned().collect(), &unknown, path).is_err());
    let fits = |name: &String| {
        (1..=limits::NAME).contains(&name.chars().count()) && !name.contains(char::is_control)
    };
    let distinct: HashSet<&String> = names.iter().collect();
    let sound = (1..=limits::LABELS).contains(&names.len()) && names.iter().all(fits);
    let labels = Labels::new(names.clone(), &known, path);
    assert_eq!(labels.is_ok(), sound && distinct.len() == names.len());
    let Ok(labels) = labels else { return };
    assert_eq!(labels.len(), names.len());
    for (id, name) in names.iter().enumerate() {
        assert_eq!(labels.name(id).map(|name| &**name), Some(name.as_str()));
        assert!(!name.contains('\n') && name.trim() == name && !name.is_empty());
        assert_eq!(labels.is_background(id), known.contains(name));
    }
    assert_eq!(labels.name(names.len()), None);
});
