//! Keys come back only to those who have the right ones, and pieces only where they were sealed.

use std::sync::Arc;

use super::*;

const IDENTITY: FileIdentity = FileIdentity { magic: *b"TESTFILE", number: 7 };

fn keys(key_id: &str, byte: u8) -> StaticKeys {
    StaticKeys::new(key_id, DataKey::from([byte; DATA_KEY_BYTES])).unwrap()
}

fn opened(encryption: &Encryption, identity: FileIdentity, envelope: &[u8]) -> FileCipher {
    Encryption::of_file(Some(encryption), identity, envelope, "f").unwrap().unwrap()
}

#[test]
fn a_piece_comes_back_only_whole_and_in_its_place() {
    for algorithm in [CipherAlgorithm::Aes256Gcm, CipherAlgorithm::ChaCha20Poly1305] {
        let encryption = Encryption::new(Arc::new(keys("a", 1))).with_algorithm(algorithm);
        let NewFileKey { cipher, envelope } = encryption.new_file(IDENTITY, "f").unwrap();
        let mut sealed = b"some bytes of the user".to_vec();
        cipher.seal_whole(4096, b"head", &mut sealed).unwrap();
        assert_eq!(sealed.len(), 22 + SEAL_BYTES);
        assert!(!sealed.windows(4).any(|window| window == b"user"));
        let reader = opened(&encryption, IDENTITY, &envelope);
        let open = |cipher: &FileCipher, offset, context: &[u8], sealed: &[u8]| {
            let mut piece = sealed.to_vec();
            cipher.open_whole(offset, context, &mut piece).map(|()| piece)
        };
        assert_eq!(open(&reader, 4096, b"head", &sealed).unwrap(), b"some bytes of the user");
        assert_eq!(open(&reader, 4097, b"head", &sealed), Err(Inauthentic));
        assert_eq!(open(&reader, 4096, b"foot", &sealed), Err(Inauthentic));
        for other in
            [FileIdentity { number: 8, ..IDENTITY }, FileIdentity { magic: *b"TESTLIFE", ..IDENTITY }]
        {
            assert_eq!(
                open(&opened(&encryption, other, &envelope), 4096, b"head", &sealed),
                Err(Inauthentic)
            );
        }
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(open(&reader, 4096, b"head", &changed), Err(Inauthentic), "byte {at}");
            assert_eq!(open(&reader, 4096, b"head", &sealed[..at]), Err(Inauthentic), "cut at {at}");
        }
    }
}

#[test]
fn two_files_never_have_the_same_bytes() {
    let encryption = Encryption::new(Arc::new(keys("a", 1)));
    let seal = || {
        let mut piece = vec![0; 64];
        encryption.new_file(IDENTITY, "f").unwrap().cipher.seal_whole(0, b"", &mut piece).unwrap();
        piece
    };
    assert_ne!(seal(), seal());
}

#[test]
fn wrong_missing_and_unexpected_keys_are_told_apart() {
    let encryption = Encryption::new(Arc::new(keys("a", 1)));
    let envelope = encryption.new_file(IDENTITY, "f").unwrap().envelope;
    assert_eq!(key_id_of(&envelope), Some("a"));
    let open = |given: Option<&Encryption>, envelope: &[u8]| {
        Encryption::of_file(given, IDENTITY, envelope, "f").map(|cipher| cipher.is_some())
    };
    let file = || "f".to_owned();
    let key = |cause| Err(Some(EncryptionError::Key { file: file(), cause }));
    let key_id = || "a".to_owned();
    assert_eq!(open(Some(&encryption), &envelope), Ok(true));
    let wrong = Encryption::new(Arc::new(keys("a", 2)));
    assert_eq!(open(Some(&wrong), &envelope), key(KeyError::Wrong { key_id: key_id() }));
    let missing = Encryption::new(Arc::new(keys("b", 1)));
    assert_eq!(open(Some(&missing), &envelope), key(KeyError::Missing { key_id: key_id() }));
    assert_eq!(
        open(None, &envelope),
        Err(Some(EncryptionError::NoProvider { file: file(), key_id: key_id() }))
    );
    assert_eq!(open(Some(&encryption), &[]), Err(Some(EncryptionError::NotEncrypted { file: file() })));
    assert_eq!(open(Some(&encryption.clone().adopting_plain_files()), &[]), Ok(false));
    assert_eq!(open(None, &[]), Ok(false));
    // A changed envelope is damaged, or does not open: never another key.
    for at in 0..envelope.len() {
        let mut changed = envelope.clone();
        changed[at] ^= 3;
        let outcome = Encryption::of_file(Some(&encryption), IDENTITY, &changed, "f");
        assert!(outcome.is_err() || at == 0, "byte {at}");
        assert!(open(Some(&encryption), &envelope[..at]).is_err(), "cut at {at}");
    }
}

#[test]
#[allow(clippy::disallowed_methods, reason = "a key file lies outside of any storage")]
fn key_files_say_what_is_wrong_with_them_but_not_what_is_in_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let open = |text: &str| {
        std::fs::write(&path, text).unwrap();
        KeyFile::open(&path)
    };
    let first = KeyFile::new_line("first").unwrap();
    let file = open(&format!("# keys\n\n{first}")).unwrap();
    let key = DataKey::random().unwrap();
    let wrapped = file.wrap("first", &key).unwrap();
    assert_eq!(file.current_key_id().unwrap(), "first");
    std::fs::write(&path, format!("{first}{}", KeyFile::new_line("second").unwrap())).unwrap();
    file.reload().unwrap();
    assert_eq!(file.current_key_id().unwrap(), "second");
    assert_eq!(file.unwrap("first", &wrapped).unwrap(), key);
    assert!(matches!(file.unwrap("second", &wrapped), Err(KeyError::Wrong { .. })));

    let digits = "ab".repeat(32);
    for text in [
        "",
        "# none",
        "lonely",
        "short abcd",
        &format!("{} {digits}", "n".repeat(256)),
        &format!("one {digits}\none {}", "cd".repeat(32)),
        &format!("odd {}", "zz".repeat(32)),
    ] {
        let error = open(text).unwrap_err();
        assert!(matches!(error, KeyError::Malformed { .. }), "{text:?}: {error}");
        assert!(!error.to_string().contains("abab"), "{error}");
    }
    assert!(matches!(KeyFile::open(folder.path().join("none")), Err(KeyError::Failed { .. })));
    assert!(KeyFile::new_line("two words").is_err() && KeyFile::new_line("#a").is_err());
}
