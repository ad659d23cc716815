"""A payload codec that compresses, in the format of the SDK samples (`binary/zlib`)."""

import zlib

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import wire
from wit_world.imports.types import CodecError_Invalid, Payload

# The value of `encoding` by which this codec knows its own payloads.
MARKER = b"binary/zlib"

# The most that a payload may become: a few kilobytes can be made to inflate to gigabytes.
INFLATED_BYTES = 4 << 20


def encode(payload):
    data = zlib.compress(wire.marshal(payload))
    return Payload([("encoding", MARKER)], data, [])


def decode(at, payload):
    # Foreign payloads come untouched: most histories have some.
    if dict(payload.metadata).get("encoding") != MARKER:
        return payload
    inflater = zlib.decompressobj()
    try:
        marshalled = inflater.decompress(payload.data, INFLATED_BYTES)
    except zlib.error:
        raise invalid(at, "its zlib data is corrupt")
    if not inflater.eof:
        raise invalid(at, f"its zlib data is cut short, or inflates to more than {INFLATED_BYTES} bytes")
    try:
        return wire.unmarshal(marshalled)
    except Err:
        raise invalid(at, "what it wraps is not a Payload")


# Any other exception is a trap.
def invalid(at, why):
    return Err(CodecError_Invalid(f"payload {at}: {why}"))


class PayloadCodec(exports.PayloadCodec):
    def encode(self, payloads):
        return [encode(payload) for payload in payloads]

    def decode(self, payloads):
        return [decode(at, payload) for at, payload in enumerate(payloads)]
