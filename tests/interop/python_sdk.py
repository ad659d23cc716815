"""The Python SDK as a client of codec-host: python_sdk.py PATH/TO/codec-host

A worker's own encryption codec and the server's must read each other, and the SDK's data
converter must be able to use the server in place of a codec of its own. Everything here is the
SDK's: its payloads, its protobuf JSON, its converters.
"""

import base64
import dataclasses
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

import aiohttp
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload, Payloads, WorkflowExecution
from temporalio.api.failure.v1 import Failure
from temporalio.converter import (
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadCodec,
    PayloadConverter,
)
from temporalio.exceptions import ApplicationError

ENCRYPTED = b"binary/encrypted"
NONCE_BYTES = 12
TAG_BYTES = 16

# Far longer than a start takes: it bounds a failing run.
START_SECONDS = 60

KEYS = {"payments-prod": os.urandom(32), "orders.acct1": os.urandom(16)}

CONFIG = """
[namespaces."payments-prod".keyring]
active = "payments-key"
keys = { "payments-key" = { env = "PAYMENTS_KEY" } }

[namespaces."orders.acct1".keyring]
active = "orders-key"
keys = { "orders-key" = { env = "ORDERS_KEY" } }
"""


class EncryptionCodec(PayloadCodec):
    """What a worker has: AES-GCM over the whole payload, in the format of the SDK samples."""

    def __init__(self, key_id, key):
        self.key_id = key_id.encode()
        self.cipher = AESGCM(key)

    async def encode(self, payloads):
        return [self.encrypt(payload) for payload in payloads]

    async def decode(self, payloads):
        return [self.decrypt(payload) for payload in payloads]

    def encrypt(self, payload):
        nonce = os.urandom(NONCE_BYTES)
        sealed = self.cipher.encrypt(nonce, payload.SerializeToString(), None)
        metadata = {"encoding": ENCRYPTED, "encryption-key-id": self.key_id}
        return Payload(metadata=metadata, data=nonce + sealed)

    def decrypt(self, payload):
        if payload.metadata.get("encoding") != ENCRYPTED:
            return payload
        if payload.metadata.get("encryption-key-id") != self.key_id:
            raise ValueError("encrypted with a key that is not this codec's")
        nonce, sealed = payload.data[:NONCE_BYTES], payload.data[NONCE_BYTES:]
        return Payload.FromString(self.cipher.decrypt(nonce, sealed, None))


class RemoteCodec(PayloadCodec):
    """A codec that leaves the work to the server."""

    def __init__(self, endpoint, headers):
        self.endpoint = endpoint
        self.headers = headers

    async def encode(self, payloads):
        return await self.ask("encode", payloads)

    async def decode(self, payloads):
        return await self.ask("decode", payloads)

    async def ask(self, verb, payloads):
        status, text = await self.post(verb, payloads)
        if status != 200:
            raise Refused(status, text)
        # Refuses what is not a `Payloads`, fields that it does not know among it.
        return list(json_format.Parse(text, Payloads()).payloads)

    async def post(self, verb, payloads):
        body = json_format.MessageToJson(Payloads(payloads=payloads))
        headers = {"Content-Type": "application/json", **self.headers}
        async with aiohttp.ClientSession() as session:
            url = f"{self.endpoint}/{verb}"
            async with session.post(url, data=body, headers=headers) as answer:
                return answer.status, await answer.text()


class Refused(Exception):
    """The server answered without payloads."""

    def __init__(self, status, text):
        super().__init__(f"{status}: {text}")
        self.status = status


@dataclasses.dataclass
class Order:
    """A value of a workflow of one's own."""

    number: int
    note: str


VALUES = [
    None,
    "Grüße, 世界 \U0001f980 \u0000 \u2028",
    -1.5e300,
    {"größe": [1, True, None, {"": "\\\"/"}]},
    b"\x00\xff bytes",
    Order(7, "two\nlines"),
    WorkflowExecution(workflow_id="order-7", run_id="r"),
    "x" * (64 << 10),
    os.urandom(64 << 10),
]
TYPES = [type(value) for value in VALUES]

FOREIGN = [
    Payload(metadata={"encoding": b"json/plain"}, data=b'"from before there was a codec"'),
    Payload(metadata={"encoding": b"binary/x-nobody", "": b"\xff\xfe"}, data=bytes(range(256))),
    Payload(metadata={"encoding": b"\xff"}, data=b"\x00"),
    Payload(external_payloads=[Payload.ExternalPayloadDetails(size_bytes=1 << 62)]),
    Payload(),
]


class PythonSdk(unittest.IsolatedAsyncioTestCase):
    """One server for all of them."""

    server = None

    def setUp(self):
        self.worker = EncryptionCodec("payments-key", KEYS["payments-prod"])
        self.remote = self.by_header("payments-prod")
        self.payloads = PayloadConverter.default.to_payloads(VALUES)

    def by_header(self, namespace):
        return RemoteCodec(self.server.endpoint, {"X-Namespace": namespace})

    def by_path(self, namespace):
        return RemoteCodec(f"{self.server.endpoint}/{namespace}", {})

    async def assert_refused(self, status, asked):
        with self.assertRaises(Refused) as refused:
            await asked
        self.assertEqual(refused.exception.status, status)

    async def test_the_server_decodes_what_the_worker_encoded(self):
        encoded = await self.worker.encode(self.payloads)
        self.assertEqual(await self.remote.decode(encoded), self.payloads)

    async def test_the_worker_decodes_what_the_server_encoded(self):
        encoded = await self.remote.encode(self.payloads)
        self.assertEqual({payload.metadata["encoding"] for payload in encoded}, {ENCRYPTED})
        self.assertEqual(await self.worker.decode(encoded), self.payloads)

    async def test_each_payload_has_a_nonce_of_its_own(self):
        encoded = await self.remote.encode([self.payloads[1]] * 100)
        self.assertEqual(len({payload.data[:NONCE_BYTES] for payload in encoded}), 100)

    async def test_foreign_payloads_come_through_among_others(self):
        mine = await self.worker.encode(self.payloads)
        mixed = [payload for pair in zip(mine, FOREIGN) for payload in pair]
        expected = [payload for pair in zip(self.payloads, FOREIGN) for payload in pair]
        self.assertEqual(await self.remote.decode(mixed), expected)
        self.assertEqual(await self.worker.decode(mixed), expected)

    async def test_foreign_payloads_are_encoded_like_any_other(self):
        self.assertEqual(await self.worker.decode(await self.remote.encode(FOREIGN)), FOREIGN)
        self.assertEqual(await self.remote.decode(await self.worker.encode(FOREIGN)), FOREIGN)

    async def test_a_long_list_keeps_its_order(self):
        numbers = PayloadConverter.default.to_payloads(list(range(1000)))
        encoded = await self.remote.encode(numbers)
        self.assertEqual(await self.worker.decode(encoded), numbers)
        self.assertEqual(await self.remote.decode(encoded), numbers)

    async def test_no_payloads_are_no_payloads(self):
        self.assertEqual(await self.remote.encode([]), [])
        self.assertEqual(await self.remote.decode([]), [])

    async def test_the_data_converter_takes_the_server_for_a_codec(self):
        remote = DataConverter(payload_codec=self.remote)
        worker = DataConverter(payload_codec=self.worker)
        for writer, reader in [(remote, worker), (worker, remote), (remote, remote)]:
            encoded = await writer.encode(VALUES)
            self.assertEqual({payload.metadata["encoding"] for payload in encoded}, {ENCRYPTED})
            self.assertEqual(await reader.decode(encoded, TYPES), VALUES)

    async def test_failures_with_encoded_attributes_go_through_the_server(self):
        encoding = {"failure_converter_class": DefaultFailureConverterWithEncodedAttributes}
        remote = DataConverter(payload_codec=self.remote, **encoding)
        worker = DataConverter(payload_codec=self.worker, **encoding)
        for writer, reader in [(remote, worker), (worker, remote)]:
            failure = Failure()
            await writer.encode_failure(ApplicationError("card 4111 refused", "detail"), failure)
            self.assertNotIn("4111", str(failure))
            self.assertEqual(failure.encoded_attributes.metadata["encoding"], ENCRYPTED)
            error = await reader.decode_failure(failure)
            self.assertEqual((error.message, error.details), ("card 4111 refused", ("detail",)))

    async def test_a_tampered_payload_is_refused_with_all_of_its_list(self):
        sound = await self.worker.encode(self.payloads)
        self.assertEqual((await self.remote.post("decode", sound))[0], 200)
        length = len(sound[1].data)
        for place in [0, NONCE_BYTES, length - TAG_BYTES, length - 1]:
            tampered = [Payload.FromString(payload.SerializeToString()) for payload in sound]
            data = bytearray(tampered[1].data)
            data[place] ^= 1
            tampered[1].data = bytes(data)
            status, text = await self.remote.post("decode", tampered)
            self.assertEqual(status, 400, place)
            for payload in [*self.payloads[1:], *tampered]:
                self.assertNotIn(base64.b64encode(payload.data).decode(), text)
            with self.assertRaises(Refused):
                await DataConverter(payload_codec=self.remote).decode(tampered, TYPES)

    async def test_the_namespace_is_told_by_header_or_path(self):
        encoded = await self.worker.encode(self.payloads)
        self.assertEqual(await self.by_header("payments-prod").decode(encoded), self.payloads)
        self.assertEqual(await self.by_path("payments-prod").decode(encoded), self.payloads)
        both = RemoteCodec(f"{self.server.endpoint}/payments-prod", self.remote.headers)
        self.assertEqual(await both.decode(encoded), self.payloads)

    async def test_no_namespace_has_the_keys_of_another(self):
        encoded = await self.worker.encode(self.payloads)
        for orders in [self.by_header("orders.acct1"), self.by_path("orders.acct1")]:
            await self.assert_refused(400, orders.decode(encoded))
            worker = EncryptionCodec("orders-key", KEYS["orders.acct1"])
            self.assertEqual(await worker.decode(await orders.encode(self.payloads)), self.payloads)

    async def test_a_namespace_that_is_unknown_or_contradicted_is_refused(self):
        encoded = await self.worker.encode(self.payloads)
        await self.assert_refused(404, self.by_header("payments").decode(encoded))
        await self.assert_refused(404, self.by_path("payments").decode(encoded))
        both = RemoteCodec(f"{self.server.endpoint}/orders.acct1", self.remote.headers)
        await self.assert_refused(400, both.decode(encoded))


class Server:
    """The server, in a process of its own, until the end of the block."""

    def __init__(self, program):
        self.program = program

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="codec-host-interop-")
        config = pathlib.Path(self.folder.name, "codec-host.toml")
        config.write_text(CONFIG, encoding="utf-8")
        keys = {
            "PAYMENTS_KEY": base64.b64encode(KEYS["payments-prod"]).decode(),
            "ORDERS_KEY": base64.b64encode(KEYS["orders.acct1"]).decode(),
        }
        self.process = subprocess.Popen(
            [self.program, "serve", "--config", config, "--listen", "127.0.0.1:0", "--log", "warn"],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **keys},
        )
        patience = threading.Timer(START_SECONDS, self.process.kill)
        patience.start()
        line = self.process.stdout.readline()
        patience.cancel()
        prefix = "listening on "
        if not line.startswith(prefix):
            self.__exit__()
            sys.exit(f"interop: the server does not start: {line.strip() or 'it says nothing'}")
        self.endpoint = line.removeprefix(prefix).strip()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: python_sdk.py PATH/TO/codec-host")
    with Server(sys.argv[1]) as PythonSdk.server:
        suite = unittest.defaultTestLoader.loadTestsFromTestCase(PythonSdk)
        result = unittest.TextTestRunner(verbosity=2).run(suite)
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)


if __name__ == "__main__":
    main()
