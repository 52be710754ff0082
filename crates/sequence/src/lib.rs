//! Exact sequence search: counted k-mers in coloured layers
