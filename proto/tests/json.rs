//! `proto::json` against Go's protojson, against generic serde impls, and against damaged input.

#[path = "json/cases.rs"]
mod cases;
#[path = "json/damage.rs"]
mod damage;
#[path = "json/limits.rs"]
mod limits;
#[path = "json/serde.rs"]
mod serde;
#[path = "json/texts.rs"]
mod texts;
