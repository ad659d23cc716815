// A payload codec that notes which namespace encoded a payload, and decodes no other's.

import { get } from "wasi:config/store@0.2.0-rc.1";
import { marshal, unmarshal } from "temporal:codec/wire@1.0.0";

// The value of `encoding` by which this codec knows its own payloads.
const MARKER = bytes("binary/x-owned");

function encode(payload, namespace) {
    return {
        metadata: [["encoding", MARKER], ["owner", bytes(namespace)]],
        data: marshal(payload),
        externalPayloads: [],
    };
}

function decode(payload, at, namespace) {
    const metadata = new Map(payload.metadata);
    // Foreign payloads come untouched: most histories have some.
    if (!same(metadata.get("encoding"), MARKER)) return payload;
    if (!same(metadata.get("owner"), bytes(namespace))) {
        invalid(`payload ${at}: another namespace encoded it`);
    }
    try {
        return unmarshal(payload.data);
    } catch {
        invalid(`payload ${at}: what it wraps is not a Payload`);
    }
}

// The engine has no TextEncoder. Names of namespaces are ASCII.
function bytes(text) {
    return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function same(bytes, expected) {
    return bytes?.length === expected.length && bytes.every((byte, at) => byte === expected[at]);
}

// What is thrown in this shape is the contract's `codec-error`; anything else is a trap.
function invalid(val) {
    throw { tag: "invalid", val };
}

export const payloadCodec = {
    encode: (payloads) => {
        const namespace = get("namespace") ?? "";
        return payloads.map((payload) => encode(payload, namespace));
    },
    decode: (payloads) => {
        const namespace = get("namespace") ?? "";
        return payloads.map((payload, at) => decode(payload, at, namespace));
    },
};
