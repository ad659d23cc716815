//! A component that is no codec: it exports nothing.
