//! Guests that misbehave in a call, one row for each: what their caller is told, and that nobody
//! else notices.
//!
//! The guests that are written as text do what they are there for when they are given one
//! payload, and answer any other list as it came. So do a few others; where a guest can do no
//! right, its row says `never_sound`.

use std::collections::BTreeSet;

use tests::{Canary, GUESTS, Payload, Request, Server, Setup, plain, wat_guests};

// What the caller reads where a guest did what it must not.
const CRASHED: &str = "the codec crashed";
const BROKEN: &str = "the codec's answer breaks the contract";
const TOO_LARGE: &str = "the codec's answer, or what it asks of the host, is too large";
const ASKS_TOO_MUCH: &str = "what the codec asks of the host is too large";
const NO_MEMORY: &str = "the codec ran out of memory";
const TOO_LONG: &str = "the codec took too long";

/// How much more memory the server may hold after a guest's calls than before them: a slot of the
/// pool that stays resident, and what the allocator keeps for the next caller. What a guest takes
/// in every call is several times this.
const SLACK: usize = 24 << 20;

/// The same where the host moves tens of megabytes in every call, in sixteen calls sixteen times
/// that. The allocator keeps the blocks of the last ones on each of the threads that ran them.
const SLACK_OF_MEGABYTES: usize = 400 << 20;

/// What is expected of a guest.
struct Row {
    payloads: Vec<Payload>,
    deadline_ms: u32,
    rounds: usize,
    slack: usize,
    expected: Expected,
    is_sound_otherwise: bool,
}

#[derive(Debug, PartialEq)]
enum Expected {
    Refused(u16, String),
    Answered(Vec<Payload>),
}

fn row(expected: Expected) -> Row {
    Row {
        payloads: vec![plain("x")],
        // Nobody waits for this one.
        deadline_ms: 20_000,
        rounds: 6,
        slack: SLACK,
        expected,
        is_sound_otherwise: true,
    }
}

/// The caller is told that it failed, and how.
fn refused(status: u16, text: &str) -> Row {
    row(Expected::Refused(status, text.to_owned()))
}

/// The caller is told that it handed over too much.
fn hands_over_too_much() -> Row {
    refused(500, TOO_LARGE)
}

fn crashes() -> Row {
    refused(500, CRASHED)
}

/// The deadline ends it.
fn is_stopped() -> Row {
    Row {
        deadline_ms: 100,
        rounds: 3,
        ..refused(504, TOO_LONG)
    }
}

/// The caller gets that payload.
fn answers(payload: Payload) -> Row {
    row(Expected::Answered(vec![payload]))
}

impl Row {
    fn to(self, payload: Payload) -> Self {
        Self {
            payloads: vec![payload],
            ..self
        }
    }

    fn moves_megabytes(self) -> Self {
        Self {
            rounds: 8,
            slack: SLACK_OF_MEGABYTES,
            ..self
        }
    }

    fn never_sound(self) -> Self {
        Self {
            is_sound_otherwise: false,
            ..self
        }
    }
}

/// Declares a test for each row, by the name of its guest.
macro_rules! guests {
    ($($guest:ident => $row:expr;)*) => {
        $(
            #[test]
            fn $guest() {
                check(stringify!($guest), $row);
            }
        )*

        const ROWS: &[&str] = &[$(stringify!($guest)),*];
    };
}

guests! {
    // Time: every place where a guest can spin, wait, or have the host work for it.
    loops_in_start => is_stopped().never_sound();
    loops_in_initialiser => is_stopped().never_sound();
    loops_in_realloc => is_stopped().to(sized(666));
    loops_in_post_return => is_stopped();
    spins => is_stopped().never_sound();
    sleeps => is_stopped().to(data("4000000000")).never_sound();
    waits_for_ever => is_stopped();
    polls_hundreds => is_stopped();
    fills => is_stopped();
    copies => is_stopped();
    floods_the_log => is_stopped();
    seals_sixteen_megabytes => is_stopped().moves_megabytes();
    holds_the_pool => is_stopped();

    // Memory, tables and stack.
    hog => refused(500, NO_MEMORY).never_sound();
    grows_to_the_end => answers(number(1024)).to(sized(4));
    grows_by_the_maximum => is_stopped();
    many_memories => answers(number(1022)).to(sized(4));
    grows_table => answers(number(20_000)).to(sized(4));
    many_tables => answers(number(20_000)).to(sized(4));
    realloc_grows_to_the_end => refused(500, NO_MEMORY).to(sized(666));
    recurses => crashes().never_sound();
    recurses_in_realloc => crashes().to(sized(666));
    recurses_in_post_return => crashes();
    calls_the_host_at_the_end_of_the_stack => crashes();

    // Traps.
    traps => crashes().never_sound();
    exits => crashes().never_sound();
    invalid_one => crashes().to(data("trap")).never_sound();
    traps_in_initialiser => crashes().never_sound();
    traps_in_realloc => crashes().to(sized(666));
    traps_in_post_return => crashes();
    divides_by_zero => crashes();
    calls_null => crashes();
    loads_out_of_bounds => crashes();
    truncates_nan => crashes();
    converts_nan => answers(data([0, 0, 0, 0, 0, 0, 0xf8, 0x7f, 0, 0, 0, 0])).to(sized(12));

    // Answers that are none.
    fewer => refused(500, BROKEN).never_sound();
    more => refused(500, BROKEN).never_sound();
    duplicate_key => refused(500, BROKEN).never_sound();
    returns_unaligned => crashes();
    returns_out_of_bounds => crashes();
    returns_null => refused(500, BROKEN);
    list_out_of_bounds => crashes();
    list_of_four_billion => crashes();
    list_unaligned => crashes();
    list_of_a_million => hands_over_too_much();
    values_alias => hands_over_too_much().moves_megabytes();
    lists_overlap => answers(Payload { data: b"bcdefgh".to_vec(), ..Payload::default() }.with("abcd", "cdef"));
    key_not_utf8 => crashes();
    key_of_a_surrogate => crashes();
    discriminant_of_the_result => crashes();
    discriminant_of_the_error => crashes();
    realloc_out_of_range => crashes().to(sized(666));
    realloc_misaligned => crashes().never_sound();
    realloc_null => crashes().never_sound();
    reply_of_a_gigabyte_claimed => crashes();
    reply_of_millions_of_entries => hands_over_too_much();
    reply_of_millions_of_externals => hands_over_too_much();
    reply_that_escapes => hands_over_too_much();
    bytes_of_no_payload => refused(500, BROKEN);
    bytes_of_a_key_that_is_not_utf8 => refused(500, BROKEN);
    bytes_of_one_payload_too_many => refused(500, BROKEN);
    bytes_of_too_many_entries => refused(500, BROKEN);
    bytes_of_millions_of_entries => hands_over_too_much();
    bytes_of_a_million => hands_over_too_much();
    bytes_alias => hands_over_too_much().moves_megabytes();
    bytes_out_of_bounds => crashes();
    bytes_spelled_otherwise => answers(Payload { data: b"y".to_vec(), ..Payload::default() }.with("k", "2"));

    // Words.
    invalid => refused(400, &shown()).never_sound();
    unavailable => refused(503, "the keys cannot be had now").never_sound();
    error_of_fifty_megabytes => hands_over_too_much();
    error_out_of_bounds => crashes();
    error_not_utf8 => crashes();
    prints => answers(plain("x"));

    // The host's functions and handles.
    calls_the_host_in_realloc => crashes().to(sized(666));
    calls_the_host_in_post_return => crashes();
    reenters => crashes();
    asks_for_a_huge_setting => hands_over_too_much();
    seals_thirty_megabytes => refused(500, ASKS_TOO_MUCH);
    opens_sixty_megabytes => hands_over_too_much();
    authenticates_sixty_megabytes => hands_over_too_much();
    opens_a_million_at_once => hands_over_too_much();
    seals_aliased => refused(500, ASKS_TOO_MUCH);
    marshals_millions_of_entries => hands_over_too_much();
    unmarshals_millions_of_entries => hands_over_too_much();
    unmarshals_millions_of_externals => hands_over_too_much();
    marshals_aliased => hands_over_too_much();
    discriminant_to_the_host => crashes();
    argument_out_of_bounds => crashes();
    argument_not_utf8 => crashes();
    result_out_of_bounds => crashes();
    takes_keys => crashes().to(sized(2000));
    takes_streams => crashes();
    takes_pollables => crashes();
    drops_twice => crashes();
    uses_after_drop => crashes();
    guesses_a_handle => crashes();
    confuses_handles => crashes();
    polls_millions => hands_over_too_much();
    polls_nothing => crashes();
    writes_unasked => crashes();
    writes_zeroes => crashes();
    writes_zeroes_and_flushes => crashes();
    reads_standard_input => answers(data([1])).to(sized(1));
    draws_random_for_ever => crashes();
    asks_gigabytes_of_random => crashes();
    asks_gigabytes_of_insecure_random => crashes();
    creates_sockets => answers(number(0)).to(sized(4));
    reads_unwritten => answers(number(0)).to(sized(4));
}

/// Guests that behave, or whose misbehaviour takes more than a row to show.
const ELSEWHERE: &[&str] = &[
    "answers_externals",
    "bytes_come_back",
    "draws_random",
    "forbidden_import",
    "has_the_host_handle_as_much_as_asked",
    "huge_reply",
    "identity",
    "imports_too_much",
    "keys",
    "keys_are_utf16",
    "leaves_secrets",
    "looks",
    "looks_at_empty_lists",
    "marshals_externals",
    "missing_export",
    "needs_much_stack",
    "needs_too_much_stack",
    "newer_minor_version",
    "other_version",
    "recurses_as_deep_as_asked",
    "remembers",
    "reorders",
    "seals",
    "seals_over_itself",
    "seals_together",
    "searches_for_secrets",
    "stillborn",
    "tag",
    "traps_one_in_a_hundred",
    "unmarshals_externals",
];

#[test]
fn every_guest_has_a_row_and_every_row_a_guest() {
    let rows = ROWS.iter().chain(ELSEWHERE);
    let rows: BTreeSet<String> = rows.map(|&name| name.to_owned()).collect();
    let guests = GUESTS.into_iter().map(str::to_owned);
    assert_eq!(rows, guests.chain(wat_guests()).collect());
}

#[test]
fn a_guest_that_traps_now_and_then_fails_those_calls_alone() {
    let server = serve("traps_one_in_a_hundred", 20_000);
    let mut connection = server.connect();
    let mut crashed = 0;
    for _ in 0..2_000 {
        let answer = connection.ask(&Request::decode("hostile", &[plain("x")]));
        match answer.status {
            200 => assert_eq!(answer.payload(), plain("x")),
            status => {
                assert_eq!((status, answer.text()), (500, CRASHED));
                crashed += 1;
            }
        }
    }
    assert!((1..200).contains(&crashed), "{crashed}");
}

/// Clients match payloads by position, and a server that does not know what a codec's payloads
/// are can't tell. The row is here to keep the promise out of the documentation.
#[test]
fn the_order_of_an_answer_is_the_codecs() {
    let server = serve("reorders", 20_000);
    let answer = server.decode("hostile", &[plain("a"), plain("b")]);
    assert_eq!(answer.payloads(), [plain("b"), plain("a")]);
}

#[test]
fn a_guest_remembers_nothing_of_the_call_before() {
    let server = serve("remembers", 20_000);
    for text in ["first", "second"] {
        let answer = server.decode("hostile", &[plain(text)]).payload();
        assert_eq!(answer.data, plain(text).data);
        let notes = (answer.note("x-calls-before"), answer.note("x-last"));
        assert_eq!(notes, ("0".to_owned(), String::new()));
    }
}

/// Whatever a newer minor version has more, it has everything of this one.
#[test]
fn a_guest_of_a_newer_minor_version_is_served() {
    let server = serve("newer_minor_version", 20_000);
    let pair = [plain("one"), plain("two")];
    assert_eq!(server.decode("hostile", &pair).payloads(), pair);
    assert_eq!(server.encode("hostile", &pair).payloads(), pair);
}

#[test]
fn a_guest_that_wants_more_than_the_host_has_is_not_served() {
    let server = serve("imports_too_much", 20_000);
    let answer = server.decode("hostile", &[plain("x")]);
    assert_eq!(answer.status, 503);
    server.logs(&["does not fit temporal:codec@", "export-all-keys"]);
    ask_soundly(&server, false);
}

/// What one call leaves behind no other finds: not in the same namespace, not with the same codec
/// in another, and not with another codec. The bench `soak` does the same a million times.
#[test]
fn no_call_finds_what_another_left_in_its_memory() {
    let canary = Canary::start();
    let (planted, found) = canary.alternate(2_000);
    assert!(
        planted > 20_000,
        "the guest finds {planted} words of its own, or this proves nothing"
    );
    assert_eq!(found, 0);
}

/// Asks the guest again and again, in both verbs, and its neighbour in between.
fn check(guest: &str, row: Row) {
    let mut server = serve(guest, row.deadline_ms);
    ask_soundly(&server, row.is_sound_otherwise);
    let before = server.resident_bytes();
    for round in 1..=row.rounds {
        for request in [
            Request::encode("hostile", &row.payloads),
            Request::decode("hostile", &row.payloads),
        ] {
            let answer = server.ask(&request);
            let answer = match answer.status {
                200 => Expected::Answered(answer.payloads()),
                status => Expected::Refused(status, answer.text().to_owned()),
            };
            assert_eq!(answer, row.expected, "in round {round}");
        }
        ask_soundly(&server, row.is_sound_otherwise);
    }
    tests::until("the memory that it took comes back", || {
        (server.resident_bytes() < before + row.slack).then_some(())
    });
    assert!(server.ended().is_none());
}

/// Asks what can be answered, of the neighbour and, where it can do right, of the guest.
fn ask_soundly(server: &Server, of_the_guest_too: bool) {
    let pair = [plain("one"), plain("two")];
    assert_eq!(server.decode("good", &pair).payloads(), pair);
    if of_the_guest_too {
        assert_eq!(server.decode("hostile", &pair).payloads(), pair);
    }
}

/// A server with the guest at the service of `hostile`, next to `good`.
fn serve(guest: &str, deadline_ms: u32) -> Server {
    let config = format!(
        r#"
        [namespaces.good]
        component = "identity.wasm"
        limits = {{ deadline-ms = 20000 }}
        [namespaces.hostile]
        component = "{guest}.wasm"
        limits = {{ deadline-ms = {deadline_ms} }}
        [namespaces.hostile.keyring]
        active = "k1"
        keys = {{ k1 = {{ env = "K1" }} }}
        "#
    );
    let key = tests::base64([7; 32]);
    Setup::config(&config).env("K1", &key).start()
}

fn data(bytes: impl AsRef<[u8]>) -> Payload {
    Payload::new("json/plain", bytes.as_ref())
}

/// A payload with that many bytes of data, for guests that look at the number.
fn sized(bytes: usize) -> Payload {
    data(vec![b'.'; bytes])
}

/// What a guest answers that counts something.
fn number(number: u32) -> Payload {
    data(number.to_le_bytes())
}

/// The words of the guest `invalid`, as far as a caller gets to see them.
fn shown() -> String {
    let mut text =
        "payload 0: \u{fffd}[31mred\u{fffd}[0m\u{fffd}\u{fffd}Set-Cookie: a=b\u{fffd}\u{fffd}2J "
            .to_owned();
    while text.len() + '\u{e9}'.len_utf8() <= 500 {
        text.push('\u{e9}');
    }
    text
}
