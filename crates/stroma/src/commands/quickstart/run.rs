//! The quickstart from beginning to end.

use std::io::Write;

use super::collection::Collection;
use super::load::{INDEX, load};
use super::questions::answer_all;
use crate::arguments::{DEFAULT_DATA, Quickstart};
use crate::commands::run::{open_or_create, standard_output};
use crate::failure::{Failure, Result};

pub(crate) fn run(arguments: &Quickstart) -> Result<()> {
    let collection = Collection::find(arguments.collection.as_deref())?;
    let folder = arguments.data.folder.display().to_string();
    let database = open_or_create(&arguments.data)?;
    let is_new = load(&database, &collection)?;
    let mut output = standard_output();
    let state = if is_new { "The data is loaded" } else { "The data is already there" };
    writeln!(output, "{state}: {folder}").map_err(Failure::output)?;
    answer_all(&database, &mut output)?;
    database.close()?;
    let data =
        if folder == DEFAULT_DATA { String::new() } else { format!(" --data {}", shell_word(&folder)) };
    let genes = shell_word(&collection.genes.display().to_string());
    let program = program();
    writeln!(
        output,
        "\nTo go on:\n  {program} serve{data}\n  \
         mongosh mongodb://127.0.0.1:27017/lab --eval 'db.samples.find({{year: 2003}})'\n  \
         {program} search {INDEX} {genes}{data}"
    )
    .and_then(|()| output.flush())
    .map_err(Failure::output)
}

/// The program as the reader can call it again: by the path it was called by, where that is one.
fn program() -> String {
    let called = std::env::args().next().filter(|called| called.contains('/'));
    called.map_or_else(|| "stroma".to_owned(), |called| shell_word(&called))
}

/// A word as a shell takes it: quoted where it holds more than plain characters.
fn shell_word(word: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "/._-+~=:,@%".contains(character);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::shell_word;

    #[test]
    fn a_word_with_spaces_or_quotes_stays_one_word() {
        assert_eq!(shell_word("/tmp/größe_1.fa"), "/tmp/größe_1.fa");
        assert_eq!(shell_word("my data"), "'my data'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
    }
}
