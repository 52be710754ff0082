//! The keys of an encrypted database: changing them, and telling which are still needed.

use std::collections::BTreeMap;

use stroma_strata::storage::{EncryptedStorage, Storage as _};

use crate::Stromatolite;
use crate::error::Result;

/// Folders of a sequence index that stay.
const INDEX_FOLDERS: [&str; 2] = ["layers", "manifest"];

impl Stromatolite {
    /// Encrypts whatever is not encrypted with the present key with that, documents first, then the sequence indexes
    /// one after the other: also what is not encrypted at all, if the keys
    /// [adopt](stroma_lsm::Encryption::adopting_plain_files) that. Can be interrupted and taken up.
    ///
    /// # Errors
    /// Damage, failure of the storage, or what the provider of keys says. What was done before stays so.
    pub fn rotate_keys(&self) -> Result<()> {
        self.engine().rotate_keys()?;
        let Some(encryption) = self.layout().encryption() else { return Ok(()) };
        let current = encryption.current_key_id().map_err(|cause| {
            let file = self.folder().display().to_string();
            stroma_lsm::Error::from(stroma_lsm::EncryptionError::Key { file, cause })
        })?;
        for name in self.sequence_indexes()? {
            let storage = self.layout().sequence_index(&name)?;
            // What cannot be told is written anew.
            let is_old = |blob: &str| storage.key_id(blob).ok().flatten().as_ref() != Some(&current);
            self.sequence_index(&name)?.rewrite(is_old)?;
        }
        Ok(())
    }

    /// How many files of sequence indexes are encrypted with which key, by its name; `None` is for files that are not
    /// encrypted.
    ///
    /// # Errors
    /// Damage, failure of the storage.
    pub fn index_key_uses(&self) -> Result<BTreeMap<Option<String>, usize>> {
        let mut uses = BTreeMap::new();
        for name in self.sequence_indexes()? {
            let storage: &EncryptedStorage = &*self.layout().sequence_index(&name)?;
            for folder in INDEX_FOLDERS {
                for entry in storage.list(folder)? {
                    *uses.entry(storage.key_id(&entry.name)?).or_default() += 1;
                }
            }
        }
        Ok(uses)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests look into files by hand")]

    use std::path::Path;
    use std::sync::Arc;

    use stroma_lsm::{DataKey, Encryption, IfExists, StaticKeys};
    use stroma_sequence::{IndexOptions, Input, NoProgress};

    use crate::{Options, Stromatolite};

    const GENOME: &str = ">g\nACGTTGCAAGCTTAGCCGATAACGGTTACAGTCCGATAGCATCGGCTAAGC\n";

    fn keys(names: &[&str]) -> Encryption {
        let key = |name: &str| DataKey::from([name.as_bytes()[0]; 32]);
        let first = StaticKeys::new(names[0], key(names[0])).unwrap();
        let all = names[1..].iter().fold(first, |keys, name| keys.with_current(name, key(name)).unwrap());
        Encryption::new(Arc::new(all))
    }

    fn with(encryption: Option<Encryption>, mut options: Options) -> Options {
        options.engine.encryption = encryption;
        options
    }

    /// Two samples, of which one was added after a merge.
    fn fill(database: &Stromatolite) {
        let index = database.create_sequence_index("g", IndexOptions::default()).unwrap();
        for name in ["SAMPLE-A", "SAMPLE-B"] {
            index.add_sample(name, vec![Input::bytes("a.fa", GENOME)], &NoProgress).unwrap();
        }
        index.compact().unwrap();
        index.add_sample("SAMPLE-C", vec![Input::bytes("a.fa", GENOME)], &NoProgress).unwrap();
    }

    fn samples(database: &Stromatolite) -> Vec<String> {
        let index = database.sequence_index("g").unwrap();
        assert!(database.check().unwrap().damaged.is_empty());
        index.samples().iter().map(|sample| sample.name.clone()).collect()
    }

    const ALL: [&str; 3] = ["SAMPLE-A", "SAMPLE-B", "SAMPLE-C"];

    /// How many files under `folder` hold the name of a sample.
    fn leaks(folder: &Path) -> usize {
        let inside = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let leaks = inside.map(|path| {
            if path.is_dir() {
                return leaks(&path);
            }
            let bytes = std::fs::read(path).unwrap();
            usize::from(bytes.windows(7).any(|window| window == b"SAMPLE-"))
        });
        leaks.sum()
    }

    #[test]
    fn indexes_of_an_encrypted_database_are_encrypted_and_need_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let (path, file) = (folder.path().join("data"), folder.path().join("one.stroma"));
        let open = |encryption| Stromatolite::open(&path, with(encryption, Options::default()));
        let database = open(Some(keys(&["a"]))).unwrap();
        fill(&database);
        assert_eq!(samples(&database), ALL);
        database.export_into(&file, IfExists::Refuse).unwrap();
        drop(database);
        assert_eq!(leaks(folder.path()), 0);
        let wrong = StaticKeys::new("a", DataKey::from([7; 32])).unwrap();
        for encryption in [None, Some(keys(&["b"])), Some(Encryption::new(Arc::new(wrong)))] {
            // The documents say so already; the index by itself does as well.
            assert!(open(encryption.clone()).is_err());
            let layout = crate::layout::Layout::open(&path, false, encryption.clone()).unwrap();
            let storage = layout.sequence_index("g").unwrap();
            let index = stroma_sequence::SequenceIndex::open(storage, stroma_strata::SetOptions::default());
            assert!(index.is_err());
            drop(layout);
            assert!(Stromatolite::open(&file, with(encryption, Options::reading())).is_err());
        }
        assert_eq!(samples(&open(Some(keys(&["a"]))).unwrap()), ALL);
        let shipped = Stromatolite::open(&file, with(Some(keys(&["a"])), Options::reading())).unwrap();
        assert_eq!(samples(&shipped), ALL);
        let engine = with(Some(keys(&["a"])), Options::default()).engine;
        let repaired = folder.path().join("repaired");
        let report = Stromatolite::repair(&path, &repaired, engine).unwrap();
        assert!(report.is_whole() && report.kept_indexes == ["g"], "{report:?}");
        assert_eq!(leaks(&repaired), 0);
        let repaired = Stromatolite::open(&repaired, with(Some(keys(&["a"])), Options::default())).unwrap();
        assert_eq!(samples(&repaired), ALL);
    }

    #[test]
    fn keys_of_indexes_change_and_plain_ones_are_adopted() {
        let folder = tempfile::tempdir().unwrap();
        let open = |encryption| Stromatolite::open(folder.path(), with(encryption, Options::default()));
        fill(&open(None).unwrap());
        assert!(leaks(folder.path()) > 0);
        let database = open(Some(keys(&["a"]).adopting_plain_files())).unwrap();
        assert_eq!(samples(&database), ALL);
        database.rotate_keys().unwrap();
        let named = |name: &str| Some(name.to_owned());
        let key_names = |database: &Stromatolite| -> Vec<Option<String>> {
            database.index_key_uses().unwrap().into_keys().collect()
        };
        assert_eq!(key_names(&database), [named("a")]);
        drop(database);
        assert_eq!(leaks(folder.path()), 0);
        let database = open(Some(keys(&["a", "b"]))).unwrap();
        assert_eq!(samples(&database), ALL);
        assert_eq!(key_names(&database), [named("a")]);
        database.rotate_keys().unwrap();
        assert_eq!(key_names(&database), [named("b")]);
        drop(database);
        assert_eq!(samples(&open(Some(keys(&["b"]))).unwrap()), ALL);
    }
}
