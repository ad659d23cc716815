//! Code generated from `proto/temporal/api/common/v1/message.proto`, checked in so that a build needs no generator.
//!
//! `UPDATE=1 cargo test -p proto --test generated` writes the files anew; without `UPDATE` that test compares them.

#![allow(
    clippy::all,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "generated"
)]

include!("generated/temporal.api.common.v1.rs");

#[cfg(feature = "serde")]
include!("generated/temporal.api.common.v1.serde.rs");
