//! What can be told of a set whose manifest may be damaged.

use super::SetImage;
use crate::Error;
use crate::encryption::Encryption;
use crate::manifest::{self, BlobType, State};
use crate::storage::Storage;

/// What the manifest of a storage says, as far as it is whole.
#[derive(Debug, Clone)]
pub struct SalvagedManifest {
    /// The last state that it tells without a gap; none if there is no sound snapshot.
    pub image: Option<SetImage>,
    /// Whether that is the state as it was left: if not, layers may be there that it does not name, and others gone.
    pub is_whole: bool,
    /// Its blobs that are damaged or missing, each with what is wrong.
    pub damaged: Vec<(String, String)>,
}

/// Reads the manifest as far as it goes. Takes no lock and changes nothing.
///
/// # Errors
/// [`Error::NewerFormat`]; failure of the storage.
pub fn salvage_manifest(
    storage: &dyn Storage,
    encryption: Option<&Encryption>,
) -> Result<SalvagedManifest, Error> {
    match manifest::read(storage, encryption) {
        Ok(Some(recovered)) => {
            let image = Some(SetImage::new(&recovered.kind, recovered.state, encryption.cloned()));
            Ok(SalvagedManifest { image, is_whole: true, damaged: Vec::new() })
        }
        Ok(None) => {
            let what = "there is no manifest".to_owned();
            Ok(SalvagedManifest { image: None, is_whole: false, damaged: vec![(storage.describe(""), what)] })
        }
        Err(Error::Corrupt { file, what, .. }) => salvage_chain(storage, encryption, (file, what)),
        Err(other) => Err(other),
    }
}

/// The last sound snapshot, and the edits after it up to the first that is not.
fn salvage_chain(
    storage: &dyn Storage,
    encryption: Option<&Encryption>,
    first: (String, String),
) -> Result<SalvagedManifest, Error> {
    let mut damaged = vec![first];
    let mut state: Option<(State, String, u64, u64)> = None;
    for number in manifest::numbers(storage)? {
        let name = manifest::blob_name(number);
        let file = storage.describe(&name);
        let bytes = storage.open(&name)?.read_all()?;
        let decoded = match manifest::decode(&bytes, number, &file, encryption) {
            Ok(decoded) => decoded,
            Err(Error::Corrupt { what, .. }) => {
                if !damaged.iter().any(|(known, _)| *known == file) {
                    damaged.push((file, what));
                }
                continue;
            }
            Err(other) => return Err(other),
        };
        let checksum = manifest::checksum(&bytes);
        let before = match (decoded.blob_type, &state) {
            (BlobType::Snapshot, _) => State::default(),
            (BlobType::Edit, Some((before, _, last, sum)))
                if last + 1 == number && decoded.previous == *sum =>
            {
                before.clone()
            }
            // It builds on what is lost.
            (BlobType::Edit, _) => continue,
        };
        if let Ok(after) = before.apply(&decoded.edit) {
            state = Some((after, decoded.kind, number, checksum));
        }
    }
    let image = state.map(|(state, kind, ..)| SetImage::new(&kind, state, encryption.cloned()));
    Ok(SalvagedManifest { image, is_whole: false, damaged })
}
