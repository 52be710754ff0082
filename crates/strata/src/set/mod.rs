//! The layered set itself: opening, versions, edits, merges and what is known of them.

mod background;
mod borrowed;
mod commit;
mod division;
mod edit;
mod file;
mod handle;
mod image;
mod ingestion;
mod merge;
mod open;
mod options;
mod progress;
mod read_only;
mod requested;
mod salvage;
mod shared;
mod statistics;
mod throttle;
mod verify;
mod version;

pub use background::MergePause;
pub use borrowed::BorrowedVersion;
pub use edit::Edit;
pub use handle::LayeredSet;
pub use image::SetImage;
pub use ingestion::Ingestion;
pub use merge::MergeReport;
pub use open::OpenReport;
pub use options::SetOptions;
pub(crate) use progress::JobProgress;
pub use salvage::{SalvagedManifest, salvage_manifest};
pub use statistics::{JobStatistics, LevelStatistics, MergeFailure, SetStatistics};
pub use verify::LayerVerification;
pub use version::{Layer, Level, Run, Version};
