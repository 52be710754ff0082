//! A document database with MongoDB's query language on any ordered transactional store
