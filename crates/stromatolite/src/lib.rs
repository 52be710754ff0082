//! The whole database in one handle: documents and sequences together
