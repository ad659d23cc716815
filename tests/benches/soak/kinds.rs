//! Every kind of hostile guest, with requests that bring out what is wrong with it.

use tests::{GUESTS, Payload, Request, plain, wat_guests};

/// What takes no part: guests that behave, and guests that are never loaded.
const NOT_HOSTILE: [&str; 12] = [
    "forbidden_import",
    "has_the_host_handle_as_much_as_asked",
    "identity",
    "imports_too_much",
    "keys",
    "missing_export",
    "needs_too_much_stack",
    "newer_minor_version",
    "other_version",
    "stillborn",
    "tag",
    "searches_for_secrets",
];

/// What costs tens of milliseconds in every call, and so takes part in one round of ten only: a
/// soak is about how many calls of how many kinds, not about how long it takes.
const DEAR: [&str; 27] = [
    "copies",
    "error_of_fifty_megabytes",
    "fills",
    "floods_the_log",
    "grows_by_the_maximum",
    "grows_to_the_end",
    "hog",
    "holds_the_pool",
    "looks",
    "loops_in_initialiser",
    "loops_in_post_return",
    "loops_in_realloc",
    "loops_in_start",
    "many_memories",
    "marshals_millions_of_entries",
    "polls_hundreds",
    "polls_millions",
    "prints",
    "reads_unwritten",
    "realloc_grows_to_the_end",
    "reply_of_millions_of_externals",
    "seals_sixteen_megabytes",
    "sleeps",
    "spins",
    "unmarshals_millions_of_entries",
    "unmarshals_millions_of_externals",
    "waits_for_ever",
];

/// Whether the kind takes part in that round.
pub(crate) fn takes_part(kind: &str, round: u64) -> bool {
    round.is_multiple_of(10) || !DEAR.contains(&kind)
}

/// The names of all kinds.
pub(crate) fn all() -> Vec<String> {
    let guests = GUESTS.into_iter().map(str::to_owned).chain(wat_guests());
    let mut kinds: Vec<_> = guests
        .filter(|name| !NOT_HOSTILE.contains(&name.as_str()))
        .collect();
    kinds.sort();
    kinds
}

/// The request with that number to a guest of that kind.
pub(crate) fn request(kind: &str, number: u64) -> Request {
    let data = |bytes: usize| Payload::new("json/plain", vec![b'.'; bytes]);
    let payload = match kind {
        "sleeps" => Payload::new("json/plain", "60000"),
        "invalid_one" => Payload::new("json/plain", "trap"),
        "looks" => Payload::new("json/plain", "127.0.0.1:9"),
        "takes_keys" | "draws_random" | "recurses_as_deep_as_asked" => data(100_000),
        name if name.contains("realloc") => data(666),
        _ => data(16),
    };
    let verb = if number.is_multiple_of(2) {
        Request::decode
    } else {
        Request::encode
    };
    // Now and then what most of them can answer.
    if number % 16 == 15 {
        verb(kind, &[plain("one"), plain("two")])
    } else {
        verb(kind, &[payload])
    }
}
