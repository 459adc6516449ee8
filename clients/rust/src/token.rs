//! Where a token comes from, and where it may go.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Gives the token that is in a file now; where it cannot be read or is empty for a moment, the token before.
pub(crate) struct TokenFile {
    path: PathBuf,
    last: Mutex<String>,
}

impl TokenFile {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), last: Mutex::default() }
    }

    pub(crate) fn read(&self) -> io::Result<String> {
        let found = std::fs::read_to_string(&self.path);
        let mut last = self.last.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match found {
            Ok(found) if !found.trim().is_empty() => *last = found.trim().to_owned(),
            Err(error) if last.is_empty() => return Err(error),
            _ if last.is_empty() => return Err(io::Error::other(format!("{} holds no token", self.path.display()))),
            _ => {}
        }
        Ok(last.clone())
    }
}

/// Whether a connection to `host:port` does not leave this machine.
pub(crate) fn stays_here(target: &str) -> bool {
    let host = target.rsplit_once(':').map_or(target, |(host, _)| host);
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_on_this_machine_is_known() {
        for here in ["127.0.0.1:50051", "127.9.9.9:1", "[::1]:50051", "localhost:50051"] {
            assert!(stays_here(here), "{here}");
        }
        for away in ["10.0.0.1:50051", "[::2]:50051", "localhost.example:1", "127.0.0.1@example:1", "example:1", ""] {
            assert!(!stays_here(away), "{away}");
        }
    }
}
