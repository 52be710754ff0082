//! Where records and index entries lie among the store's keys, and how documents become bytes.

mod codec;
mod layout;
mod reader;

pub(crate) use codec::{MAX_DOCUMENT_BYTES, decode, encode};
pub(crate) use layout::{
    FORMAT_KEY, IDS_KEY, RecordId, catalog_key, catalog_range, encode_id, index_entry, index_prefix,
    index_range, number_of_key, record_id_of_entry, record_id_of_record, record_key, record_prefix,
    record_range,
};
pub(crate) use reader::Reader;
