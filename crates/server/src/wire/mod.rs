//! MongoDB's wire protocol as bytes: heads, `OP_MSG`, the `OP_QUERY` of old drivers, and their replies.

mod error;
mod frame;
mod header;
mod op_msg;
mod op_query;
mod request;

pub use error::WireError;
pub(crate) use frame::{read_frame, write_frame};
pub(crate) use header::{Header, LONGEST_MESSAGE};
pub(crate) use request::Request;
pub use request::parse_message;
