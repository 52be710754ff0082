//! The database at one moment as files alone.

use stroma_strata::SetImage;

use crate::Error;
use crate::database::Core;
use crate::entry::Sequence;
use crate::flush::FlushRecord;
use crate::layers::LayerView;

/// The files named by `image` hold everything up to one commit. They stay as long as this is held.
pub(crate) struct Moment {
    pub(crate) image: SetImage,
    pub(crate) sequence: Sequence,
    pub(crate) files: LayerView,
}

impl Core {
    /// Flushes everything committed so far and answers the tables that hold it.
    pub(crate) fn freeze(&self) -> Result<Moment, Error> {
        let (view, mut image, sequence) = loop {
            self.flush_all()?;
            let view = self.flush_to_one_moment()?;
            let image = self.layers.image(&view);
            let flushed = FlushRecord::decode(image.record(FlushRecord::NAME));
            let sequence = flushed.map_or(0, |flushed| flushed.flushed_through);
            // An ingestion is in tables before commits that came before it are, if it ended just now.
            if view.ingested_through() <= sequence {
                break (view, image, sequence);
            }
        };
        // Whoever opens the copy finds no log, and needs none.
        image.put_record(FlushRecord::NAME, FlushRecord::all_in_tables(sequence, 1).encode());
        Ok(Moment { image, sequence, files: view })
    }
}
