//! The handle over all databases, and what it does to databases and collections as a whole.

mod create;
mod drop;
mod handle;
mod info;
mod object_id;
mod options;
mod recover;
mod rename;
mod source;
mod transact;

pub use create::CollectionOptions;
pub use handle::Documents;
pub(crate) use handle::Inner;
pub(crate) use info::range_size;
pub use info::{CollectionInfo, DatabaseInfo};
pub use options::Options;
pub use recover::RecoveredCollections;
pub use source::SourceStage;
pub(crate) use transact::Attempt;
