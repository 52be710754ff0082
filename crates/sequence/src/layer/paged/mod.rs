//! Sections with a checksum for each page, each page verified when it is first touched: what is searched here and
//! there, and is too long to be read whole for that.
//!
//! A page that is damaged is handed out like any other, and the damage is remembered: who searched asks at the end
//! whether there was any ([`PagedSection::check_touched`]), and has no answer then. It is remembered for as long as
//! the layer is open, so that no thread can miss what it came upon.
//!
//! Who searches for many things need not wait for each of them: where [`Awaited`] is given, what was not read yet is
//! asked for and left out, and the look-up is made again when others have had their turn.

mod asked;
mod checks;
mod section;
mod view;

pub(crate) use checks::Awaited;
pub(crate) use view::Paged;

pub(super) use section::{PagedSection, table_bytes};
