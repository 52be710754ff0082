//! MongoDB wire protocol and an HTTP port for metrics and health over a document database.

mod wire;
