//! How TLS is spoken: whom to trust, and what to show.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
};

use super::settings::Settings;
use crate::error::Error;

/// The configuration that the settings ask for.
///
/// # Errors
/// What is wrong with a file, or that the system has no certificates.
pub fn config(settings: &Settings) -> Result<Arc<ClientConfig>, Error> {
    let roots = roots(settings.ca_file.as_deref())?;
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|err| broken(&err))?
        .with_root_certificates(roots);
    let config = match (&settings.certificate_file, &settings.key_file) {
        (None, None) => builder.with_no_client_auth(),
        (Some(certificate), Some(key)) => {
            let chain = certificates(Path::new(certificate), "certificate-file")?;
            let key_path = Path::new(key);
            let key =
                PrivateKeyDer::from_pem_file(key_path).map_err(|err| unusable(key_path, "key-file", err))?;
            builder.with_client_auth_cert(chain, key).map_err(|err| {
                Error::contents(key_path, "property key-file", err.to_string(), "the key of certificate-file")
            })?
        }
        (Some(_), None) => return Err(alone("key-file", "certificate-file")),
        (None, Some(_)) => return Err(alone("certificate-file", "key-file")),
    };
    Ok(Arc::new(config))
}

/// The certificates that a broker's is checked by.
fn roots(file: Option<&str>) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = file {
        let path = Path::new(file);
        for certificate in certificates(path, "ca-file")? {
            roots.add(certificate).map_err(|err| {
                Error::contents(path, "property ca-file", err.to_string(), "certificates of authorities")
            })?;
        }
        return Ok(roots);
    }
    let system = rustls_native_certs::load_native_certs();
    let (added, _) = roots.add_parsable_certificates(system.certs);
    if added == 0 {
        return Err(Error::Property {
            name: "ca-file",
            found: "nothing, and no certificates of the system".into(),
            expected: "a PEM file, or a system with them (Debian's package ca-certificates)".into(),
        });
    }
    Ok(roots)
}

fn certificates(path: &Path, property: &'static str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.map_err(|err| unusable(path, property, err))?;
    if found.is_empty() { Err(unusable(path, property, pem::Error::NoItemsFound)) } else { Ok(found) }
}

fn unusable(path: &Path, property: &'static str, err: pem::Error) -> Error {
    match err {
        pem::Error::Io(source) => {
            Error::from_io(path, "PEM file", &format!("see the property {property}"), source)
        }
        pem::Error::NoItemsFound => {
            let item = if property == "key-file" { "private key" } else { "certificate" };
            Error::contents(path, format!("property {property}"), format!("no {item}"), "one in PEM format")
        }
        other => Error::contents(path, format!("property {property}"), other.to_string(), "a PEM file"),
    }
}

fn alone(missing: &'static str, set: &str) -> Error {
    Error::Property { name: missing, found: "nothing".into(), expected: format!("a file where {set} is set") }
}

fn broken(err: &rustls::Error) -> Error {
    Error::Property { name: "broker", found: err.to_string(), expected: "a TLS library that works".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_no_pem_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.pem").display().to_string();
        let settings = || Settings { ca_file: Some(path.clone()), ..Settings::default() };
        let fault = |settings: &Settings| config(settings).unwrap_err().to_string();
        assert!(fault(&settings()).contains("no such PEM file; see the property ca-file"));
        std::fs::write(&path, "no certificate").unwrap();
        assert!(fault(&settings()).contains("property ca-file: found no certificate"));
        std::fs::write(&path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        assert!(fault(&settings()).contains("property ca-file"));
    }
}
