//! A counting quotient filter: an exact or approximate counted set
