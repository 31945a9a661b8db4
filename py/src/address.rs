//! Socket addresses from Python, and names to addresses.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::path::PathBuf;

use crossawait_core::{Job, WeakRuntime};
use futures::channel::oneshot;
use pyo3::exceptions::{PyOSError, PyOverflowError, PyValueError};
use pyo3::prelude::*;

use crate::error::SocketError;

/// Checks a port number.
pub(crate) fn port(given: i64) -> PyResult<u16> {
    u16::try_from(given).map_err(|_| PyOverflowError::new_err(format!("port must be 0-65535, not {given}")))
}

/// Checks a host name.
pub(crate) fn host(given: String) -> PyResult<String> {
    if given.contains('\0') { Err(PyValueError::new_err("host contains a null character")) } else { Ok(given) }
}

/// Checks the path of a Unix socket, given as `str`, `bytes` or `os.PathLike`.
pub(crate) fn unix_path(given: &Bound<'_, PyAny>) -> PyResult<PathBuf> {
    let py = given.py();
    let path: PathBuf = py.import("os")?.call_method1("fsdecode", (given,))?.extract()?;
    let bytes = path.as_os_str().as_encoded_bytes();
    if bytes.is_empty() || bytes.contains(&0) {
        return Err(PyValueError::new_err("the path of a Unix socket is neither empty nor contains a null character"));
    }
    if bytes.len() > LONGEST_UNIX_PATH {
        let number: i32 = py.import("errno")?.getattr("ENAMETOOLONG")?.extract()?;
        return Err(PyOSError::new_err((number, "the path of a Unix socket is too long", path)));
    }
    Ok(path)
}

/// What fits a socket address with its final null: 108 bytes on Linux, 104 on the BSDs and macOS.
const LONGEST_UNIX_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// The addresses of `host`, at least one. Numeric ones are read on the spot, names looked up on the blocking pool.
pub(crate) async fn resolve(runtime: &WeakRuntime, host: String, port: u16) -> Result<Vec<SocketAddr>, SocketError> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    if let Ok(address) = format!("[{host}]:{port}").parse::<SocketAddrV6>() {
        // With a scope, as in "fe80::1%2".
        return Ok(vec![address.into()]);
    }
    let (sender, receiver) = oneshot::channel();
    let job = Job::new(move || {
        // Nobody waits any more if this fails.
        let _ = sender.send(look_up(&host, port));
    });
    let runtime = runtime.upgrade().ok_or(SocketError::RuntimeClosed)?;
    runtime.spawn_blocking(job).map_err(|_| SocketError::RuntimeClosed)?;
    drop(runtime);
    receiver.await.map_err(|_| SocketError::RuntimeClosed)?
}

fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>, SocketError> {
    let hints = dns_lookup::AddrInfoHints { socktype: dns_lookup::SockType::Stream.into(), ..Default::default() };
    let found = dns_lookup::getaddrinfo(Some(host), Some(&port.to_string()), Some(hints));
    let addresses: Vec<_> = match found {
        Ok(infos) => infos.filter_map(Result::ok).map(|info| info.sockaddr).collect(),
        Err(error) => return Err(unresolved(&error, host)),
    };
    if addresses.is_empty() {
        return Err(SocketError::Unresolved { number: 0, message: format!("no address for \"{host}\"") });
    }
    Ok(addresses)
}

fn unresolved(error: &dns_lookup::LookupError, host: &str) -> SocketError {
    let text = format!("{error:?}");
    let reason = match error.kind() {
        dns_lookup::LookupErrorKind::NoName => "Name or service not known".to_owned(),
        dns_lookup::LookupErrorKind::Again => "Temporary failure in name resolution".to_owned(),
        _ => text,
    };
    SocketError::Unresolved { number: error.error_num(), message: format!("{reason}: \"{host}\"") }
}
