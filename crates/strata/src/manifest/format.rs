//! The bytes of a manifest blob; documented in `docs/formats/manifest.md`.

use xxhash_rust::xxh3::xxh3_64;

use super::reader::Reader;
use super::sealed;
use super::state::Edit;
use crate::Error;
use crate::encryption::Encryption;
use crate::layer::LayerDescriptor;

/// The newest format of manifest blobs this program reads, and the one it writes if they are encrypted.
pub const FORMAT_VERSION: u32 = 3;
/// The format of blobs that are not encrypted.
const PLAIN_VERSION: u32 = 2;
/// The first eight bytes.
pub(crate) const MAGIC: &[u8; 8] = b"STRMANIF";
/// The length of the header; its layout is the same in every format version.
pub(super) const HEADER_BYTES: usize = 56;
/// The part of the header that is authenticated with an encrypted body: all that is known before the body is.
const AUTHENTICATED_BYTES: usize = 32;

/// Whether a blob changes the state before it or holds all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlobType {
    Edit,
    Snapshot,
}

/// A decoded blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub(crate) blob_type: BlobType,
    /// The [`checksum`] of the blob before it, zero for the first.
    pub(crate) previous: u64,
    /// The name of the layer kind.
    pub(crate) kind: String,
    pub(crate) edit: Edit,
}

/// What identifies an encoded blob to the next one in the chain: its header's checksum, which covers the
/// body's.
pub(crate) fn checksum(blob: &[u8]) -> u64 {
    blob.get(48..56).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// Encodes a blob, encrypted if keys are given.
///
/// # Errors
/// [`Error::TooLarge`] if a name, key or value is too long for its length field; [`Error::Encryption`].
pub(crate) fn encode(
    number: u64,
    decoded: &Decoded,
    encryption: Option<&Encryption>,
) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![0; HEADER_BYTES];
    let blob_type: u32 = match decoded.blob_type {
        BlobType::Edit => 1,
        BlobType::Snapshot => 2,
    };
    let version = if encryption.is_some() { FORMAT_VERSION } else { PLAIN_VERSION };
    bytes[0..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&version.to_le_bytes());
    bytes[12..16].copy_from_slice(&blob_type.to_le_bytes());
    bytes[16..24].copy_from_slice(&number.to_le_bytes());
    bytes[24..32].copy_from_slice(&decoded.previous.to_le_bytes());
    match encryption {
        None => encode_body(&mut bytes, decoded)?,
        Some(encryption) => {
            let mut body = Vec::new();
            encode_body(&mut body, decoded)?;
            let sealed = sealed::seal(number, body, &bytes[..AUTHENTICATED_BYTES], encryption)?;
            bytes.extend(sealed);
        }
    }
    let body_checksum = xxh3_64(&bytes[HEADER_BYTES..]);
    let body_length = (bytes.len() - HEADER_BYTES) as u64;
    bytes[32..40].copy_from_slice(&body_length.to_le_bytes());
    bytes[40..48].copy_from_slice(&body_checksum.to_le_bytes());
    let header_checksum = xxh3_64(&bytes[..48]);
    bytes[48..56].copy_from_slice(&header_checksum.to_le_bytes());
    Ok(bytes)
}

fn encode_body(bytes: &mut Vec<u8>, decoded: &Decoded) -> Result<(), Error> {
    let edit = &decoded.edit;
    bytes.extend(edit.epoch.to_le_bytes());
    bytes.extend(edit.next_recency.to_le_bytes());
    put_name(bytes, "the name of the layer kind", &decoded.kind)?;
    put_count(bytes, edit.removed.len())?;
    for id in &edit.removed {
        bytes.extend(id.to_le_bytes());
    }
    put_count(bytes, edit.added.len())?;
    for layer in &edit.added {
        bytes.extend(layer.id.to_le_bytes());
        bytes.extend(layer.level.to_le_bytes());
        bytes.extend(layer.recency.to_le_bytes());
        bytes.extend(layer.bytes.to_le_bytes());
        bytes.extend(layer.entries.to_le_bytes());
        bytes.extend(layer.deletes.to_le_bytes());
        bytes.extend(layer.created.to_le_bytes());
        put_bytes(bytes, "the smallest key of a layer", &layer.smallest)?;
        put_bytes(bytes, "the largest key of a layer", &layer.largest)?;
        put_bytes(bytes, "the metadata of a layer", &layer.metadata)?;
    }
    put_count(bytes, edit.deleted_records.len())?;
    for name in &edit.deleted_records {
        put_name(bytes, "the name of a record", name)?;
    }
    put_count(bytes, edit.put_records.len())?;
    for (name, value) in &edit.put_records {
        put_name(bytes, "the name of a record", name)?;
        put_bytes(bytes, "a record", value)?;
    }
    Ok(())
}

fn put_count(bytes: &mut Vec<u8>, count: usize) -> Result<(), Error> {
    let fitting = u32::try_from(count).map_err(|_| too_large("an edit", count, u32::MAX.into()))?;
    bytes.extend(fitting.to_le_bytes());
    Ok(())
}

fn put_bytes(bytes: &mut Vec<u8>, what: &'static str, value: &[u8]) -> Result<(), Error> {
    let length = u32::try_from(value.len()).map_err(|_| too_large(what, value.len(), u32::MAX.into()))?;
    bytes.extend(length.to_le_bytes());
    bytes.extend(value);
    Ok(())
}

fn put_name(bytes: &mut Vec<u8>, what: &'static str, name: &str) -> Result<(), Error> {
    let length = u16::try_from(name.len()).map_err(|_| too_large(what, name.len(), u16::MAX.into()))?;
    bytes.extend(length.to_le_bytes());
    bytes.extend(name.as_bytes());
    Ok(())
}

fn too_large(what: &'static str, bytes: usize, limit: u64) -> Error {
    Error::TooLarge { what, bytes: bytes as u64, limit }
}

/// Decodes the blob `number`; `file` names it in errors.
pub(crate) fn decode(
    bytes: &[u8],
    number: u64,
    file: &str,
    encryption: Option<&Encryption>,
) -> Result<Decoded, Error> {
    let mut reader = Reader::new(bytes, file);
    if reader.take(8, "the magic number")? != MAGIC {
        return Err(reader.corrupt_at(0, "it does not start like a manifest"));
    }
    let version = reader.u32("the format version")?;
    let type_code = reader.u32("the type")?;
    let own_number = reader.u64("the number")?;
    let previous = reader.u64("the checksum of the blob before")?;
    let body_length = reader.u64("the length of the body")?;
    let body_checksum = reader.u64("the checksum of the body")?;
    let header_checksum = reader.u64("the checksum of the header")?;
    if xxh3_64(&bytes[..48]) != header_checksum {
        return Err(reader.corrupt_at(48, "the header does not have its checksum"));
    }
    if version > FORMAT_VERSION {
        let file = file.to_owned();
        return Err(Error::NewerFormat { found: version, supported: FORMAT_VERSION, file });
    }
    let blob_type = match (version, type_code) {
        (PLAIN_VERSION | FORMAT_VERSION, 1) => BlobType::Edit,
        (PLAIN_VERSION | FORMAT_VERSION, 2) => BlobType::Snapshot,
        (PLAIN_VERSION | FORMAT_VERSION, _) => return Err(reader.corrupt_at(12, "its type is unknown")),
        _ => return Err(reader.corrupt_at(8, "its format version was never released")),
    };
    if own_number != number {
        return Err(reader.corrupt_at(16, &format!("it is number {own_number} under the name of {number}")));
    }
    if body_length != (bytes.len() - HEADER_BYTES) as u64 {
        return Err(reader.corrupt_at(32, &format!("its body has not the {body_length} bytes it should")));
    }
    if xxh3_64(&bytes[HEADER_BYTES..]) != body_checksum {
        return Err(reader.corrupt_at(HEADER_BYTES as u64, "the body does not have its checksum"));
    }
    let sealed = &bytes[HEADER_BYTES..];
    if version == FORMAT_VERSION {
        let body = sealed::open(number, sealed, &bytes[..AUTHENTICATED_BYTES], file, encryption)?;
        return decode_body(Reader::new(&body, file), blob_type, previous);
    }
    sealed::check_plain(number, file, encryption)?;
    decode_body(reader, blob_type, previous)
}

fn decode_body(mut reader: Reader<'_>, blob_type: BlobType, previous: u64) -> Result<Decoded, Error> {
    let mut edit = Edit { epoch: reader.u64("the epoch")?, ..Edit::default() };
    edit.next_recency = reader.u64("the next recency")?;
    let kind = reader.name("the name of the layer kind")?;
    for _ in 0..reader.count(8, "the removed layers")? {
        edit.removed.push(reader.u64("a removed layer")?);
    }
    for _ in 0..reader.count(64, "the added layers")? {
        edit.added.push(decode_layer(&mut reader)?);
    }
    for _ in 0..reader.count(2, "the deleted records")? {
        edit.deleted_records.push(reader.name("the name of a record")?);
    }
    for _ in 0..reader.count(6, "the records")? {
        edit.put_records.push((reader.name("the name of a record")?, reader.bytes("a record")?));
    }
    reader.end()?;
    Ok(Decoded { blob_type, previous, kind, edit })
}

fn decode_layer(reader: &mut Reader<'_>) -> Result<LayerDescriptor, Error> {
    Ok(LayerDescriptor {
        id: reader.u64("the id of a layer")?,
        level: reader.u32("the level of a layer")?,
        recency: reader.u64("the recency of a layer")?,
        bytes: reader.u64("the length of a layer")?,
        entries: reader.u64("the entries of a layer")?,
        deletes: reader.u64("the deletes of a layer")?,
        created: reader.u64("the time of a layer")?,
        smallest: reader.bytes("the smallest key of a layer")?,
        largest: reader.bytes("the largest key of a layer")?,
        metadata: reader.bytes("the metadata of a layer")?,
    })
}
