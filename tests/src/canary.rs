//! Whether anything of one call is in another's memory.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::client::{Connection, Request};
use crate::payload::Payload;
use crate::server::{Server, Setup};

/// A server with codecs that leave secrets in their memory, and codecs that look for them.
pub struct Canary {
    server: Server,
}

/// Who looks for what was left: the same namespace, the same codec in another, another codec.
const SEARCHERS: [&str; 3] = ["leaves", "same-codec", "other-codec"];

/// The guests undo this. In disguise a secret is not found where it was only passed along.
const DISGUISE: u64 = 0x5a5a_5a5a_5a5a_5a5a;

impl Canary {
    /// A server of its own.
    pub fn start() -> Self {
        let config = r#"
            [namespaces.leaves]
            component = "leaves_secrets.wasm"
            [namespaces.same-codec]
            component = "leaves_secrets.wasm"
            [namespaces.other-codec]
            component = "searches_for_secrets.wasm"
        "#;
        Self {
            server: Setup::config(config).start(),
        }
    }

    /// Has a call leave a secret and another look for it, that many times, and answers how many
    /// words the first kind found of their own, at least, and the second kind of anybody's.
    pub fn alternate(&self, times: u64) -> (u32, u64) {
        /// No two secrets of a process are the same.
        static SECRET: AtomicU64 = AtomicU64::new(0x0123_4567_89ab_cdef);
        let mut connection = self.server.connect();
        let (mut planted, mut found) = (u32::MAX, 0);
        for searcher in SEARCHERS
            .into_iter()
            .cycle()
            .zip(0..times)
            .map(|(name, _)| name)
        {
            let secret = SECRET.fetch_add(0x1_0000_0001, Ordering::Relaxed);
            planted = planted.min(count(&mut connection, &Request::encode, "leaves", secret));
            found += u64::from(count(&mut connection, &Request::decode, searcher, secret));
        }
        (planted, found)
    }
}

fn count(
    connection: &mut Connection,
    request: &dyn Fn(&str, &[Payload]) -> Request,
    namespace: &str,
    secret: u64,
) -> u32 {
    let disguised = (secret ^ DISGUISE).to_le_bytes();
    let payload = Payload::new("json/plain", disguised);
    let answer = connection.ask(&request(namespace, &[payload])).payload();
    let number = answer
        .data
        .first_chunk()
        .expect("the guest answers a number");
    u32::from_le_bytes(*number)
}
