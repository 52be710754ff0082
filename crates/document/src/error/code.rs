//! The table of MongoDB's error codes and code names that this crate can report.

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

macro_rules! locations {
    ($($number:literal),* $(,)?) => {
        fn location_name(number: i32) -> &'static str {
            match number { $($number => concat!("Location", $number),)* _ => "Location" }
        }
    };
}

locations! {
    10065, 15947, 15948, 15951, 15952, 15955, 15957, 15958, 15969, 15972, 15973, 15974, 15975, 15976, 15978,
    15981, 15982, 15983, 15990, 15998, 16004, 16006, 16020, 16410, 16411, 16412, 16554, 16555, 16556, 16608,
    16609, 16610, 16611, 16612, 16702, 16810, 16840, 16865, 16866, 16867, 16868, 16872, 16873, 16874, 16875,
    16876, 16877, 16878, 16879, 16880, 16882, 16883, 16980, 16990, 17040, 17041, 17042, 17043, 17044, 17045,
    17046, 17048, 17049, 17053, 17064, 17065, 17066, 17067, 17068, 17069, 17080, 17081, 17082, 17124, 17152,
    17261, 17276, 17308, 17309, 17310, 17311, 18533, 18534, 18535, 18536, 18628, 18629, 27257, 28646, 28647,
    28648, 28650, 28651, 28656, 28664, 28665, 28667, 28680, 28689, 28690, 28691, 28714, 28724, 28725, 28726,
    28727, 28728, 28729, 28745, 28746, 28747, 28748, 28749, 28756, 28757, 28758, 28759, 28761, 28762, 28763,
    28764, 28765, 28766, 28808, 28809, 28810, 28811, 28812, 28818, 28822, 31022, 31023, 31024, 31034, 31095,
    31138, 31249, 31250, 31252, 31253, 31254, 31256, 31274, 31276, 31275, 31324, 31325, 34435, 34443, 34444,
    34445, 34446, 34447, 34448, 34449, 34450, 34451, 34452, 34453, 34454, 34455, 34456, 34457, 34458, 34459,
    34460, 34461, 34462, 34463, 34464, 34465, 34466, 34467, 34468, 34471, 34473, 40075, 40076, 40077, 40078,
    40079, 40080, 40081, 40085, 40086, 40087, 40088, 40089, 40090, 40091, 40092, 40093, 40094, 40095, 40096,
    40097, 40060, 40061, 40062, 40063, 40064, 40065, 40066, 40067, 40068, 40147, 40148, 40149, 40156, 40157,
    40158, 40160, 40169, 40170, 40171, 40172, 40173, 40181, 40185, 40188, 40189, 40190, 40191, 40192, 40193,
    40194, 40195, 40196, 40197, 40198, 40199, 40200, 40201, 40202, 40218, 40228, 40229, 40230, 40231, 40232,
    40234, 40235, 40236, 40237, 40238, 40240, 40241, 40242, 40243, 40244, 40245, 40246, 40272, 40319, 40321,
    40322, 40323, 40324, 40352, 40353, 40386, 40390, 40391, 40392, 40393, 40394, 40395, 40396, 40397, 40398,
    40400, 40415, 40485, 40517, 40515, 40523, 40525, 40533, 40539, 40540, 40541, 40542, 40601, 40602, 40684,
    50694, 50695, 50696, 50697, 50698, 50699, 50700, 50723, 50840, 51044, 51045, 51046, 51047, 51075, 51081,
    51082, 51083, 51089, 51091, 51103, 51104, 51105, 51106, 51107, 51108, 51109, 51110, 51111, 51156, 51178,
    51185, 51186, 51246, 51270, 51271, 51272, 51276, 605001, 3041702, 3041703, 3041704, 4940400, 4940401,
    5397801, 5397802, 5397803, 5397804, 5397805, 5439101, 5654600, 5654601, 5654602, 5787801, 5787901, 5787902,
    5788003, 5788005, 5976400, 5976500, 6045700, 7750301, 7750302, 7750303, 51024, 51743, 51744, 51745, 51746,
    51747, 51748, 51749, 51750, 51751, 13027, 2942500, 2942501, 2942502, 2942503, 2942504, 2942505, 5126701,
    5166302, 5166303, 5166400, 5166401, 5166402, 5166403, 5166404, 5166405, 5166406, 5166502, 5166503, 5687301,
    5733400, 5733401, 4161100, 4161101, 4161102, 4161103, 4161105, 4161106, 4161108, 4161109, 31019, 31020,
    31007, 31002, 31026, 40602001, 31320, 3040501, 4822819, 5628700, 5628701, 7436200, 17007, 16437, 28813,
    40104, 40105,
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
