//! The table of MongoDB's error codes and code names that this crate can report.

use parking_lot::Mutex;
use std::collections::BTreeMap;

macro_rules! codes {
    ($($name:ident = $number:literal),* $(,)?) => {
        /// A MongoDB error code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = concat!("MongoDB's code ", stringify!($number), ".")] $name,)*
            /// A code that names a place in MongoDB's source instead of a kind of error.
            Location(i32),
        }

        impl Code {
            /// MongoDB's number.
            pub fn number(self) -> i32 {
                match self { $(Code::$name => $number,)* Code::Location(number) => number }
            }

            fn plain_name(self) -> Option<&'static str> {
                match self { $(Code::$name => Some(stringify!($name)),)* Code::Location(_) => None }
            }
        }
    };
}

codes! {
    InternalError = 1,
    BadValue = 2,
    NoSuchKey = 4,
    GraphContainsCycle = 5,
    HostUnreachable = 6,
    HostNotFound = 7,
    UnknownError = 8,
    FailedToParse = 9,
    CannotMutateObject = 10,
    UserNotFound = 11,
    UnsupportedFormat = 12,
    Unauthorized = 13,
    TypeMismatch = 14,
    Overflow = 15,
    InvalidLength = 16,
    ProtocolError = 17,
    AuthenticationFailed = 18,
    CannotReuseObject = 19,
    IllegalOperation = 20,
    EmptyArrayOperation = 21,
    InvalidBSON = 22,
    AlreadyInitialized = 23,
    LockTimeout = 24,
    NamespaceNotFound = 26,
    IndexNotFound = 27,
    PathNotViable = 28,
    NonExistentPath = 29,
    InvalidPath = 30,
    CursorNotFound = 43,
    NamespaceExists = 48,
    MaxTimeMSExpired = 50,
    DollarPrefixedFieldName = 52,
    InvalidIdField = 53,
    NotSingleValueField = 54,
    InvalidDBRef = 55,
    EmptyFieldName = 56,
    DottedFieldName = 57,
    CommandNotFound = 59,
    InvalidOptions = 72,
    InvalidNamespace = 73,
    IndexOptionsConflict = 85,
    IndexKeySpecsConflict = 86,
    ImmutableField = 66,
    CannotCreateIndex = 67,
    IndexAlreadyExists = 68,
    ConflictingUpdateOperators = 40,
    NetworkTimeout = 89,
    ShutdownInProgress = 91,
    OperationFailed = 96,
    WriteConflict = 112,
    ConflictingOperationInProgress = 117,
    CommandNotSupported = 115,
    DocumentValidationFailure = 121,
    CommandNotSupportedOnView = 166,
    OptionNotSupportedOnView = 167,
    CappedPositionLost = 136,
    QueryPlanKilled = 175,
    ClientMarkedKilled = 46841,
    TransactionTooOld = 225,
    CannotIndexParallelArrays = 171,
    InvalidPipelineOperator = 168,
    InvalidIndexSpecificationOption = 197,
    NotImplemented = 238,
    ConversionFailure = 241,
    NoSuchTransaction = 251,
    ExceededMemoryLimit = 146,
    OutOfDiskSpace = 14031,
    NoMatchParseContext = 90,
    MaxSubPipelineDepthExceeded = 232,
    OperationNotSupportedInTransaction = 263,
    ChangeStreamHistoryLost = 286,
    NoQueryExecutionPlans = 291,
    QueryExceededMemoryLimitNoDiskUseAllowed = 292,
    NotWritablePrimary = 10107,
    BSONObjectTooLarge = 10334,
    DuplicateKey = 11000,
    KeyTooLong = 17280,
    Interrupted = 11601,
    APIVersionError = 322,
}

/// `Location` and the number. Each name is made once and kept for good: the numbers stand in this crate's
/// source, so there are only so many.
fn location_name(number: i32) -> &'static str {
    static NAMES: Mutex<BTreeMap<i32, &'static str>> = Mutex::new(BTreeMap::new());
    NAMES.lock().entry(number).or_insert_with(|| Box::leak(format!("Location{number}").into_boxed_str()))
}

impl Code {
    /// MongoDB's name, such as `BadValue` or `Location40324`.
    pub fn name(self) -> &'static str {
        match self {
            Code::Location(number) => location_name(number),
            plain => plain.plain_name().unwrap_or("UnknownError"),
        }
    }
}
