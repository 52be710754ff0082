//! The index: samples are added, removed and searched; its layers are merged by `strata`.

mod add;
mod adopt;
mod bulk;
mod check;
mod export;
mod handle;
mod import;
mod input;
mod options;
mod progress;
mod remove;
mod report;
mod statistics;

pub use bulk::{BulkError, NewSample};
pub use check::{CheckReport, LayerCheck};
pub use handle::SequenceIndex;
pub use input::Input;
pub use options::{BuildResources, IndexOptions};
pub use progress::{NoProgress, Progress, Step};
pub use report::{BulkReport, SampleInfo, SampleReport};
pub use statistics::{IndexStatistics, LayerStatistics};
