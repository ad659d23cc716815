//! Looks around: files, environment, arguments, network, names, clocks; and notes what it saw.

use std::net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::time::{Instant, SystemTime};
use std::{env, fs};

use guests::{Answer, Codec, Payload, Verb, note};

struct Looks;

impl Codec for Looks {
    fn code(_: Verb, mut payloads: Vec<Payload>) -> Answer {
        let target = String::from_utf8_lossy(&payloads[0].data).into_owned();
        let payload = &mut payloads[0];
        let files = ["/", ".", "/etc/passwd", "/proc/self/environ", "Cargo.toml"];
        let seen = files
            .iter()
            .filter(|path| fs::metadata(path).is_ok() || fs::read(path).is_ok());
        note(payload, "x-files", seen.count().to_string());
        let written = fs::write("/tmp/codec-host-test-written-by-a-guest", b"x").is_ok();
        note(payload, "x-written", written.to_string());
        note(payload, "x-environment", env::vars().count().to_string());
        note(payload, "x-arguments", env::args().count().to_string());
        let connected = TcpStream::connect(&target).is_ok();
        note(payload, "x-connected", connected.to_string());
        let listening = TcpListener::bind("127.0.0.1:0").is_ok();
        note(payload, "x-listening", listening.to_string());
        let sent = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.send_to(b"x", &target));
        note(payload, "x-sent", sent.is_ok().to_string());
        let resolved = ("localhost", 80)
            .to_socket_addrs()
            .is_ok_and(|mut found| found.next().is_some());
        note(payload, "x-resolved", resolved.to_string());
        let (wall, monotonic) = (SystemTime::now(), Instant::now());
        let mut turns = 0u64;
        for _ in 0..3_000_000 {
            turns = std::hint::black_box(turns + 1);
        }
        let moved = wall != SystemTime::now() || monotonic != Instant::now();
        note(payload, "x-clocks-moved", moved.to_string());
        Ok(payloads)
    }
}

guests::export!(Looks);
