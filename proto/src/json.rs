//! `Payloads` as proto3 JSON: what a client posts, and what it is answered.
//!
//! Written for this one message, since all the traffic passes here. No other message, no streaming, and no
//! error text with bytes of a body in it.
//!
//! # What is read
//!
//! [`read()`] judges a body as Go's protojson does, which is what Temporal's own clients and servers use:
//!
//! * A field goes by its JSON name or its protobuf name: `externalPayloads` or `external_payloads`,
//!   `sizeBytes` or `size_bytes`, escaped or not, and in no other spelling.
//! * `null` in place of a field is the same as no such field. It is not a payload, nor a metadata value.
//! * A field given twice, in one spelling or in both, is refused, even if one of the two is `null`; so is a
//!   metadata key given twice. Keys are compared unescaped, byte by byte.
//! * Bytes are base64 in the standard or in the URL-safe alphabet, not both in one string. A string whose length
//!   is a multiple of four is read as padded, any other as unpadded. Bits left over at the end are dropped.
//!   Line breaks, which are escapes in JSON, are skipped.
//! * `sizeBytes` is a number, or a string that is one, and may have a fraction and an exponent if the value is
//!   a whole number of 64 bits. It is computed in integers: no rounding anywhere.
//! * A number may have an exponent without digits (`1e`), as it may for protojson, though not for JSON.
//! * Unknown fields are ignored or refused, as asked ([`UnknownFields`]). An ignored one is still checked to be
//!   JSON, its names and strings too, but may repeat a name.
//! * The body is one JSON object in UTF-8, without a byte order mark, and nothing but white space follows it.
//!
//! # Where this is stricter than protojson
//!
//! * Within an ignored field, objects and arrays nest to [`MAX_DEPTH`]; protojson allows 10 000 in all.
//! * A body has [`MAX_PAYLOADS`] payloads at most, and each of them
//!   [`MAX_ENTRIES`](crate::wire::MAX_ENTRIES) of metadata and external payloads; protojson has no limit.
//!
//! # What is written
//!
//! [`write()`] gives the canonical form: camelCase, padded standard base64, `sizeBytes` as a string, fields at
//! their default left out, metadata sorted by key, no white space.
//!
//! # Memory
//!
//! What is allocated is proportional to the body, whatever a body claims, and whoever accepts bodies limits
//! their size. A payload takes three bytes of JSON at the least (`{},`) and 48 in memory, so their number
//! has a limit of its own.

mod base64;
mod error;
mod lexer;
mod number;
mod reader;
mod text;
mod writer;

pub use error::{JsonError, Reason};
pub use lexer::MAX_DEPTH;
pub use reader::{MAX_PAYLOADS, UnknownFields, read};
pub use writer::write;
