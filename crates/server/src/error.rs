//! Why a server could not be started.

use std::net::SocketAddr;

/// The result of starting a server.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a server could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something listens there already.
    #[error("{address} is in use: stop what listens there, or choose another port (0 picks a free one)")]
    AddressInUse {
        /// Where the server was to listen.
        address: SocketAddr,
    },
    /// The operating system refuses the address.
    #[error("cannot listen on {address}: {source}; choose an address of this machine and a port above 1023")]
    Bind {
        /// Where the server was to listen.
        address: SocketAddr,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The threads could not be started.
    #[error("cannot start the server's threads: {0}; lower the number of threads or raise the limit")]
    Threads(std::io::Error),
}

impl Error {
    /// Tells an address that is taken from one that cannot be.
    pub(crate) fn bind(address: SocketAddr, source: std::io::Error) -> Error {
        match source.kind() {
            std::io::ErrorKind::AddrInUse => Error::AddressInUse { address },
            _ => Error::Bind { address, source },
        }
    }
}
