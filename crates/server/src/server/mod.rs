//! Starting and stopping, and what all connections share.

mod accept;
mod handle;
mod host;
mod options;
mod start;
mod state;

pub use handle::Server;
pub(crate) use host::host;
pub use options::ServerOptions;
pub use start::serve;
pub(crate) use state::State;
