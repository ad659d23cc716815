//! Good traffic, next to what is hostile.

use std::sync::atomic::{AtomicU64, Ordering};

use tests::{Payload, Request, Server, beside, plain};

/// What the good namespaces run.
const GOOD: [(&str, &str); 3] = [
    ("good-identity", "identity.wasm"),
    ("good-tag", "tag.wasm"),
    ("good-built-in", "built-in"),
];

/// What became of good requests.
pub(crate) struct Good {
    asked: u64,
    lost: u64,
    is_up: bool,
}

impl Good {
    /// Has a client of each good namespace ask while the work is done.
    pub(crate) fn beside(server: &Server, work: impl FnOnce()) -> Self {
        for (namespace, _) in GOOD {
            assert!(is_answered(server, namespace), "{namespace} works at all");
        }
        let (asked, lost) = (AtomicU64::new(0), AtomicU64::new(0));
        let clients = GOOD.map(|(namespace, _)| {
            let (asked, lost) = (&asked, &lost);
            Box::new(move || {
                asked.fetch_add(1, Ordering::Relaxed);
                if !is_answered(server, namespace) {
                    lost.fetch_add(1, Ordering::Relaxed);
                }
            }) as Box<dyn FnMut() + Send>
        });
        beside(clients, work);
        Self {
            asked: asked.into_inner(),
            lost: lost.into_inner(),
            is_up: is_answered(server, GOOD[0].0),
        }
    }

    /// Whether the server is up.
    pub(crate) fn is_up(&self) -> bool {
        self.is_up
    }

    /// Whether nothing was lost.
    pub(crate) fn is_sound(&self) -> bool {
        self.is_up && self.lost == 0
    }

    pub(crate) fn print(&self) {
        println!("  process exits             {}", u8::from(!self.is_up));
        println!("  good requests             {}", self.asked);
        println!("  good requests lost        {}", self.lost);
    }
}

/// The good namespaces' part of a configuration. The key is in the environment, as `K1`.
pub(crate) fn config() -> String {
    let mut config = String::new();
    for (namespace, component) in GOOD {
        config.push_str(&format!(
            "[namespaces.{namespace}]\ncomponent = \"{component}\"\nlimits = {{ deadline-ms = 60000 }}\n"
        ));
    }
    config.push_str(
        "[namespaces.good-built-in.keyring]\nactive = \"k1\"\nkeys = { k1 = { env = \"K1\" } }\n",
    );
    config
}

/// Whether a good namespace gives back what it encoded. Not where the server has ended.
fn is_answered(server: &Server, namespace: &str) -> bool {
    let payload = plain("of another namespace");
    let Ok(mut connection) = server.try_connect() else {
        return false;
    };
    let mut ask = |request: Request| -> Option<Vec<Payload>> {
        connection.send(&request.bytes()).ok()?;
        let answer = connection.try_answer("POST").ok()??;
        (answer.status == 200).then(|| answer.payloads())
    };
    let encoded = ask(Request::encode(namespace, std::slice::from_ref(&payload)));
    encoded
        .and_then(|encoded| ask(Request::decode(namespace, &encoded)))
        .is_some_and(|decoded| decoded[0].data == payload.data)
}
