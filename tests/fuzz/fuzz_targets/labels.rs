//! Labels files of any bytes, and background names out of them and not.

#![no_main]

use std::path::Path;

use gstartclassify::model::Labels;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let path = Path::new("labels.txt");
    let names = match Labels::read(data, path) {
        Ok(names) => names,
        Err(fault) => return assert!(fault.to_string().starts_with("labels.txt: line ")),
    };
    let known: Vec<String> = names.iter().step_by(3).take(3).cloned().collect();
    let unknown = ["\n".to_owned()];
    assert!(Labels::new(names.iter().take(9).cloned().collect(), &unknown, path).is_err());
    let Ok(labels) = Labels::new(names.clone(), &known, path) else {
        return assert!(names.iter().any(String::is_empty) || names.is_empty());
    };
    assert_eq!(labels.len(), names.len());
    for (id, name) in names.iter().enumerate() {
        assert_eq!(labels.name(id).map(|name| &**name), Some(name.as_str()));
        assert!(!name.contains('\n') && name.trim() == name && !name.is_empty());
        assert_eq!(labels.is_background(id), known.contains(name));
    }
    assert_eq!(labels.name(names.len()), None);
});
