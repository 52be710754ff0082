//! From the hits of a search to the documents of the samples, one query at a time.

use std::collections::BTreeMap;

use bson::{Bson, Document, doc};
use stroma_document::{Code, Collection, Error, Find, Result};
use stroma_sequence::{Hit, Outcome, QueryResult};

use super::argument::Argument;
use super::sequence_search::failed;

/// Results of a search as they come.
type Results = Box<dyn Iterator<Item = std::result::Result<QueryResult, stroma_sequence::Error>> + Send>;

/// So many samples are looked up with one query of the collection.
const LOOKUP: usize = 500;

/// The documents that a `$sequenceSearch` yields.
pub(super) struct Matches {
    results: Results,
    collection: Collection,
    argument: Argument,
    /// The query being handed on: its name, its number of k-mers, its hits not yet looked up.
    current: Option<(String, u64, std::vec::IntoIter<Hit>)>,
    /// Documents looked up and not yet handed on.
    ready: std::vec::IntoIter<Document>,
}

impl Matches {
    pub(super) fn new(results: Results, collection: Collection, argument: Argument) -> Self {
        Matches { results, collection, argument, current: None, ready: Vec::new().into_iter() }
    }

    /// Looks up the next hits of the current query; false when it has none left.
    fn look_up(&mut self) -> Result<bool> {
        let Some((query, kmers, hits)) = &mut self.current else { return Ok(false) };
        let hits: Vec<Hit> = hits.take(LOOKUP).collect();
        if hits.is_empty() {
            self.current = None;
            return Ok(false);
        }
        let field = self.argument.sample_field.as_str();
        let names: Vec<&str> = hits.iter().map(|hit| &*hit.sample).collect();
        let mut documents: BTreeMap<String, Vec<Document>> = BTreeMap::new();
        for document in self.collection.find(&Find::new(doc! { field: { "$in": names } }))? {
            let document = document?;
            if let Some(name) = name_of(&document, field) {
                documents.entry(name.to_owned()).or_default().push(document);
            }
        }
        let mut ready = Vec::with_capacity(hits.len());
        for hit in hits {
            for mut document in documents.remove(&*hit.sample).unwrap_or_default() {
                let score = doc! {
                    "query": query.as_str(),
                    "score": hit.share,
                    "found": number(hit.found),
                    "kmers": number(*kmers),
                };
                document.insert(self.argument.match_field.as_str(), score);
                ready.push(document);
            }
        }
        self.ready = ready.into_iter();
        Ok(true)
    }

    /// Takes the next query's result; false when there is none.
    fn next_query(&mut self) -> Result<bool> {
        let Some(result) = self.results.next() else { return Ok(false) };
        let result = result.map_err(|error| failed(&error))?;
        match result.outcome {
            Outcome::Hits(hits) => {
                self.current = Some((result.name, result.kmers, hits.into_iter()));
                Ok(true)
            }
            other => {
                let message = format!("$sequenceSearch cannot search `{}`: {}", result.name, refusal(&other));
                Err(Error::new(Code::BadValue, message))
            }
        }
    }
}

impl Iterator for Matches {
    type Item = Result<Document>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(document) = self.ready.next() {
                return Some(Ok(document));
            }
            match self.look_up() {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => return Some(Err(error)),
            }
            match self.next_query() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Why a query was not searched.
fn refusal(outcome: &Outcome) -> String {
    match outcome {
        Outcome::TooShort { length, k } => {
            format!("its {length} bases are fewer than the k = {k} of the index")
        }
        _ => "it has no k-mer without an ambiguous base".to_owned(),
    }
}

/// A count as the smallest integer type that holds it, as drivers send integers.
fn number(count: u64) -> Bson {
    i32::try_from(count).map_or(Bson::Int64(count as i64), Bson::Int32)
}

/// The sample's name in a document; the field may lie in nested documents.
fn name_of<'a>(document: &'a Document, path: &str) -> Option<&'a str> {
    match path.split_once('.') {
        None => document.get_str(path).ok(),
        Some((head, rest)) => name_of(document.get_document(head).ok()?, rest),
    }
}
