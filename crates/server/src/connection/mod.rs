//! One connection: messages in, replies out, one after the other.

mod serve;

pub(crate) use serve::{Info, serve};
