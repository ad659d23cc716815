//! `proto::wire` on bytes that nobody wrote with it.

use prost::Message as _;
use proto::wire::{MAX_ENTRIES, find, marshal, unmarshal};
use proto::{Batch, ExternalPayloadDetails, Payload};

fn check(bytes: &[u8], expected: Result<Payload, &str>) {
    let payload = unmarshal(bytes).map_err(|error| error.to_string());
    let expected = expected.map_err(str::to_owned);
    assert_eq!(payload, expected, "{bytes:x?}");
    assert_eq!(in_batch(bytes), expected, "{bytes:x?}");
}

/// The payload that the bytes are, as one of a batch. It is written as it would be elsewhere.
fn in_batch(bytes: &[u8]) -> Result<Payload, String> {
    let mut batch = Batch::default();
    let mut draft = batch.begin();
    draft.unmarshal(bytes).map_err(|error| error.to_string())?;
    draft.end();
    let reference = batch.iter().next().expect("there is one");
    let payload = Payload::from(reference);
    look_for(&payload, bytes);
    let mut written = vec![0xaa; reference.marshalled_length()];
    let mut rest = &mut written[..];
    reference.marshal_to(&mut rest);
    assert!(rest.is_empty());
    assert_eq!(written, marshal(&payload));
    Ok(payload)
}

/// Finds in the bytes what there is and is not in the payload that they are.
fn look_for(payload: &Payload, bytes: &[u8]) {
    for key in payload.metadata.keys() {
        let found = find(bytes, ["is not there", key]).expect("a payload");
        let value = payload.metadata.get(key).map(Vec::as_slice);
        assert_eq!(found.values, [None, value], "{bytes:x?}");
        assert_eq!(found.data, payload.data, "{bytes:x?}");
    }
}

fn data(data: &[u8]) -> Payload {
    Payload {
        data: data.to_vec(),
        ..Payload::default()
    }
}

fn metadata(entries: &[(&str, &str)]) -> Payload {
    let entries = entries.iter();
    Payload {
        metadata: entries
            .map(|&(key, value)| (key.to_owned(), value.into()))
            .collect(),
        ..Payload::default()
    }
}

#[test]
fn marshalled_payloads_come_back() {
    let payload = Payload {
        metadata: metadata(&[("encoding", "json/plain"), ("", ""), ("\0", "é")]).metadata,
        data: vec![0xff; 70_000],
        external_payloads: [0, 1, i64::MAX, i64::MIN]
            .map(|size_bytes| ExternalPayloadDetails { size_bytes })
            .into(),
    };
    check(&marshal(&payload), Ok(payload));
    check(b"", Ok(Payload::default()));
    assert_eq!(marshal(&Payload::default()), b"");
}

#[test]
fn equal_payloads_are_equal_bytes_in_the_order_of_keys() {
    let bytes = marshal(&metadata(&[("b", "2"), ("a", "1")]));
    assert_eq!(
        bytes,
        b"\x0a\x06\x0a\x01a\x12\x011\x0a\x06\x0a\x01b\x12\x012"
    );
}

#[test]
fn foreign_spellings_are_read() {
    // Fields in any order, a value before its key, and of a field or key given twice the last.
    check(
        b"\x12\x01x\x0a\x06\x12\x01v\x0a\x01k\x12\x01y",
        Ok({
            let mut payload = metadata(&[("k", "v")]);
            payload.data = b"y".to_vec();
            payload
        }),
    );
    check(
        b"\x0a\x06\x0a\x01k\x12\x011\x0a\x06\x0a\x01k\x12\x012",
        Ok(metadata(&[("k", "2")])),
    );
    check(b"\x0a\x00", Ok(metadata(&[("", "")])));
    check(b"\x12\x81\x00x", Ok(data(b"x")));
    // Unknown: varint, fixed64, bytes, a group with a group in it, fixed32, the highest number.
    check(b"\x20\x7f\x12\x01x", Ok(data(b"x")));
    check(b"\x2112345678\x12\x01x", Ok(data(b"x")));
    check(b"\x22\x02\xff\xff\x12\x01x", Ok(data(b"x")));
    check(b"\x23\x2b\x08\x01\x2c\x24\x12\x01x", Ok(data(b"x")));
    check(b"\x251234\x12\x01x", Ok(data(b"x")));
    check(b"\xf8\xff\xff\xff\x0f\x01\x12\x01x", Ok(data(b"x")));
}

#[test]
fn errors_say_where_and_what() {
    let rows: [(&[u8], &str); 14] = [
        (b"\x12", "data: invalid varint"),
        (b"\x12\x02x", "data: buffer underflow"),
        (
            b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            "data: buffer underflow",
        ),
        (
            b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            "data: invalid varint",
        ),
        (
            b"\x0a\x05\x0a\x03\xff\xfe\xfd",
            "metadata: a key is not UTF-8",
        ),
        (b"\x0a\x03\x0a\x09k", "metadata: buffer underflow"),
        (
            b"\x10\x01",
            "data: invalid wire type: Varint (expected LengthDelimited)",
        ),
        (
            b"\x1a\x02\x0a\x00",
            "external_payloads: invalid wire type: LengthDelimited (expected Varint)",
        ),
        (b"\x00\x01", "invalid tag value"),
        (b"\x24", "unexpected end group tag"),
        (b"\x23\x2c", "unexpected end group tag"),
        (b"\x27", "invalid wire type value"),
        (b"\xd1\xc2\xb3\xa4\x95\x06", "invalid key value"),
        (&[0x1a, 0].repeat(MAX_ENTRIES + 1), "too many entries"),
    ];
    for (bytes, reason) in rows {
        check(bytes, Err(&format!("not a Payload: {reason}")));
    }
    assert!(unmarshal(&[0x1a, 0].repeat(MAX_ENTRIES)).is_ok());
}

#[test]
fn prost_agrees_on_bytes_that_were_damaged() {
    let sound = marshal(&Payload {
        metadata: metadata(&[
            ("encoding", "json/plain"),
            ("k", ""),
            ("", "v"),
            ("long", &"v".repeat(150)),
        ])
        .metadata,
        data: b"data".to_vec(),
        external_payloads: vec![ExternalPayloadDetails { size_bytes: 300 }; 2],
    });
    let mut read = 0;
    let mut agree = |bytes: &[u8]| {
        let theirs = Payload::decode(bytes);
        read += usize::from(theirs.is_ok());
        let theirs = theirs.ok();
        assert_eq!(unmarshal(bytes).ok(), theirs, "{bytes:x?}");
        assert_eq!(in_batch(bytes).ok(), theirs, "{bytes:x?}");
        assert_eq!(find(bytes, []).is_ok(), theirs.is_some(), "{bytes:x?}");
    };
    for at in 0..sound.len() {
        agree(&sound[..at]);
        for value in 0..=255 {
            let mut damaged = sound.clone();
            damaged[at] = value;
            agree(&damaged);
            damaged.insert(at, value);
            agree(&damaged);
        }
    }
    assert!(read > 1000, "{read}");
    let theirs = Payload::decode(&sound[..]).expect("sound").encode_to_vec();
    assert_eq!(theirs, sound);
}

#[test]
fn fields_of_all_kinds_are_counted() {
    let entry = |content: &[u8]| {
        let length = u32::try_from(content.len()).expect("short");
        let mut bytes = vec![0x0a, 0x80, 0x80, 0x80, 0];
        (0..4).for_each(|at| bytes[1 + at] |= (length >> (7 * at) & 0x7f) as u8);
        [bytes.as_slice(), content].concat()
    };
    let group = |content: &[u8]| [&[0x23], content, &[0x24]].concat();
    for field in [[0x12, 0], [0x20, 0], [0x22, 0]] {
        let fields = |count: usize| field.repeat(count);
        for within in [&entry as &dyn Fn(&[u8]) -> Vec<u8>, &group, &<[u8]>::to_vec] {
            assert!(unmarshal(&within(&fields(99_000))).is_ok());
            let error = unmarshal(&within(&fields(101_000))).expect_err("too many");
            assert!(error.to_string().ends_with("too many fields"), "{error}");
        }
    }
    // What counts is their number, not their size.
    let long = [[0x22, 0x80, 0x80, 0x80, 1].as_slice(), &[7; 2 << 20]].concat();
    check(&group(&long), Ok(Payload::default()));
}

#[test]
fn groups_nest_to_a_limit() {
    let groups = |levels: usize| [vec![0x23; levels], vec![0x24; levels]].concat();
    // prost's own limit.
    assert!(unmarshal(&groups(100)).is_ok());
    assert!(unmarshal(&groups(102)).is_err());
    assert!(unmarshal(&[0x23; 1 << 20]).is_err());
}
