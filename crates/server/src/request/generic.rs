//! The fields that every command may carry.

use std::time::Duration;

use bson::{Bson, Document};
use stroma_document::namespace::check_database_name;
use stroma_document::{Code, Error, Result};

use super::Arguments;
use super::write_concern::is_synced;
use crate::sessions::SessionId;

/// What every command may say beside what it is about.
#[derive(Debug, Clone)]
pub(crate) struct Generic {
    /// The database the command is for.
    pub(crate) database: String,
    pub(crate) session: Option<SessionId>,
    /// How long the command may take.
    pub(crate) time: Option<Duration>,
    /// Whether writes must survive a crash of the machine before they are acknowledged.
    pub(crate) is_synced: bool,
}

/// Fields that mean nothing to a single server, or that are hints only.
const IGNORED: &[&str] = &[
    "$readPreference",
    "$clusterTime",
    "$configServerState",
    "$configTime",
    "$topologyTime",
    "$queryOptions",
    "$replData",
    "$oplogQueryData",
    "$audit",
    "$client",
    "apiStrict",
    "apiDeprecationErrors",
    "clientOperationKey",
    "comment",
    "databaseVersion",
    "help",
    "maxTimeMSOpOnly",
    "mayBypassWriteBlocking",
    "rawData",
    "serialization_context",
    "shardVersion",
    "stmtId",
    "stmtIds",
];

impl Generic {
    /// Takes the generic fields out of a command's.
    ///
    /// # Errors
    /// 40571 without `$db`; `IllegalOperation` (20) for transactions; what is wrong with one of the fields.
    pub(crate) fn take(arguments: &mut Arguments) -> Result<Generic> {
        let database = match arguments.take("$db") {
            Some(Bson::String(database)) => database,
            Some(other) => return Err(arguments.wrong_type("$db", &other, "string")),
            None => return Err(Error::location(40571, "OP_MSG requests require a $db argument")),
        };
        check_database_name(&database)?;
        arguments.ignore(IGNORED);
        let session = arguments.document("lsid")?.as_ref().map(SessionId::parse).transpose()?;
        refuse_transactions(arguments)?;
        if let Some(version) = arguments.string("apiVersion")?
            && version != "1"
        {
            return Err(Error::new(Code::APIVersionError, "API version must be \"1\""));
        }
        refuse_times(arguments.document("readConcern")?)?;
        let is_synced = arguments.document("writeConcern")?.as_ref().map(is_synced).transpose()?;
        let time = arguments.count("maxTimeMS")?.filter(|time| *time > 0).map(Duration::from_millis);
        Ok(Generic { database, session, time, is_synced: is_synced.unwrap_or(false) })
    }
}

fn refuse_transactions(arguments: &mut Arguments) -> Result<()> {
    let number = arguments.take("txnNumber");
    let starts = arguments.take("startTransaction");
    let commits = arguments.take("autocommit");
    if number.is_some() || starts.is_some() || commits.is_some() {
        let message = "Transaction numbers are only allowed on a replica set member or mongos";
        return Err(Error::new(Code::IllegalOperation, message));
    }
    Ok(())
}

/// Every read sees one moment in which all acknowledged writes are, which any level of read concern allows;
/// but the moment cannot be chosen.
fn refuse_times(concern: Option<Document>) -> Result<()> {
    let Some(concern) = concern else { return Ok(()) };
    match concern.keys().find(|name| matches!(name.as_str(), "afterClusterTime" | "atClusterTime")) {
        Some(name) => {
            Err(Error::new(Code::InvalidOptions, format!("readConcern.{name} needs a replica set")))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::{Arguments, Generic};

    fn code(fields: bson::Document) -> i32 {
        Generic::take(&mut Arguments::new("ping", fields)).unwrap_err().code()
    }

    #[test]
    fn generic_fields_are_taken_out() {
        let fields = doc! {"$db": "a", "maxTimeMS": 5, "writeConcern": {"j": true}, "apiVersion": "1",
        "$readPreference": {"mode": "primary"}, "readConcern": {"level": "majority"}, "comment": "c"};
        let mut arguments = Arguments::new("ping", fields);
        let generic = Generic::take(&mut arguments).unwrap();
        assert_eq!((generic.database.as_str(), generic.is_synced), ("a", true));
        assert_eq!(generic.time.unwrap().as_millis(), 5);
        arguments.finish().unwrap();
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert_eq!(code(doc! {}), 40571);
        assert_eq!(code(doc! {"$db": "a b"}), 73);
        assert_eq!(code(doc! {"$db": "a", "txnNumber": 1_i64, "autocommit": false}), 20);
        assert_eq!(code(doc! {"$db": "a", "apiVersion": "2"}), 322);
        assert_eq!(code(doc! {"$db": "a", "lsid": {"id": 5}}), 14);
        assert_eq!(code(doc! {"$db": "a", "readConcern": {"atClusterTime": 5}}), 72);
    }
}
