//! An ordered, transactional key-value engine on layers
