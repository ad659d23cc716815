//! How the server starts, and how it ends.

use std::net::TcpStream;

use tests::{Done, Folder, Request, Server, Setup, Version, body, plain, run, tagged, until};

#[test]
fn the_demonstration_says_what_to_do_and_it_works() {
    let server = Setup::demo().start();
    let out = until("the whole greeting", || {
        Some(server.out()).filter(|out| out.contains("WARNING"))
    });
    let address = server.address;
    assert!(
        out.starts_with(&format!("listening on http://{address}\n")),
        "{out}"
    );
    for text in [
        &format!("--codec-endpoint http://{address}"),
        &format!("endpoint http://{address}"),
        "--ui-codec-endpoint",
        "key is public",
    ] {
        assert!(out.contains(text), "{text} in {out}");
    }
    let curl = out
        .lines()
        .find(|line| line.contains("curl"))
        .expect("a curl line");
    assert!(
        curl.contains(&format!(" http://{address}/decode ")),
        "{curl}"
    );
    let mut quoted = curl.split('\'').skip(1).step_by(2);
    let mut header = || {
        let (name, value) = quoted.next()?.split_once(": ")?;
        Some((name.to_owned(), value.to_owned()))
    };
    let (one, two) = (header().expect("a header"), header().expect("a header"));
    let request = Request::new("POST", "/decode")
        .header(&one.0, &one.1)
        .header(&two.0, &two.1)
        .body(quoted.next().expect("a body"));
    assert_eq!(server.ask(&request).payload(), plain("Hello, Temporal!"));
}

#[test]
fn everything_wrong_with_a_configuration_is_told_before_listening() {
    let folder = Folder::new();
    let config = folder.write(
        "codec-host.toml",
        "lisen = \"127.0.0.1:1\"\n\
         codecs = \"nowhere\"\n\
         [cors]\norigins = [\"https://ui.example/\"]\n\
         [limits]\nbody-bytes = \"16 MiB\"\ndeadline-ms = 5\n\
         [namespaces.\"a/b\"]\n\
         [namespaces.ok]\nundecodeable = \"fail\"\nundecodable = \"maybe\"\n",
    );
    let config = config.to_str().expect("UTF-8");
    for command in ["serve", "check"] {
        let Done { code, out, err } = run([command, "--config", config]);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
        for (line, key, accepted) in [
            (1, "lisen", "listen"),
            (2, "codecs", "directory"),
            (4, "cors.origins", "http://host:8233"),
            (6, "limits.body-bytes", "whole number"),
            (7, "limits.deadline-ms", "from 10 to 60000"),
            (8, "a/b", "letters"),
            (10, "namespaces.ok.undecodeable", "undecodable"),
            (11, "namespaces.ok.undecodable", "pass-through"),
        ] {
            let place = format!("{config}:{line}: ");
            let found = err.lines().find(|text| text.contains(&place));
            let found = found.unwrap_or_else(|| panic!("no {place} in:\n{err}"));
            assert!(found.contains(key) && found.contains(accepted), "{found}");
        }
    }
}

#[test]
fn a_server_without_namespaces_says_so() {
    let server = Setup::codecs().start();
    server.logs(&["WARN", "no namespace is served yet"]);
    assert!(!Setup::demo().start().log().contains("no namespace"));
}

#[test]
fn what_is_not_toml_or_not_there_is_told_in_a_line() {
    let folder = Folder::new();
    let check = |path: &std::path::Path, expected: &str| {
        let path = path.to_str().expect("UTF-8");
        let Done { code, out, err } = run(["serve", "--config", path]);
        assert_eq!((code, out.as_str()), (Some(1), ""));
        assert!(err.contains(path) && err.contains(expected), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
    };
    check(&folder.path("nowhere.toml"), "cannot be read");
    check(&folder.write("bad.toml", "[limits\n"), ":1: not TOML");
    check(&folder.write("bytes.toml", [0xff, 0xfe]), "cannot be read");
}

#[test]
fn only_loopback_is_listened_on_unless_it_may_be_open() {
    let refused = run(["serve", "--demo", "--listen", "0.0.0.0:0"]);
    assert_eq!((refused.code, refused.out.as_str()), (Some(1), ""));
    assert!(refused.err.contains("--insecure-open"), "{}", refused.err);
    assert_eq!(refused.err.lines().count(), 1);

    let folder = Folder::new();
    let config = folder.write("c.toml", "listen = \"[::]:0\"\n[fallback]\n");
    let refused = run(["serve", "--config", config.to_str().expect("UTF-8")]);
    assert_eq!((refused.code, refused.out.as_str()), (Some(1), ""));
    assert!(refused.err.contains("--insecure-open"), "{}", refused.err);

    let server = Setup::demo().argument("--insecure-open").start();
    assert_eq!(server.decode("any", &[tagged()]).payload(), tagged());
}

#[test]
fn a_port_in_use_is_one_line() {
    let server = Setup::demo().start();
    let address = server.address.to_string();
    let Done { code, out, err } = run(["serve", "--demo", "--listen", &address]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert_eq!(err.lines().count(), 1, "{err}");
    assert!(err.contains(&address) && err.contains("in use"), "{err}");
}

#[test]
fn what_is_in_flight_is_finished_before_the_end() {
    let check = |stop: fn(&Server)| {
        let mut server =
            Setup::config("[namespaces.sleeps]\ncomponent = \"identity.wasm\"\n").start();
        let address = server.address;
        let mut idle = server.connect();
        let mut waiting = server.connect();
        let json = body(&[plain("in")]);
        let begun = Request::post("/sleeps/decode", "")
            .header("Expect", "100-continue")
            .head(&format!("Content-Length: {}\r\n", json.len()));
        waiting.send(&begun).expect("sent");
        assert_eq!(waiting.answer().status, 100, "or it is not in flight yet");
        assert_eq!(
            idle.ask(&Request::decode("sleeps", &[plain("in")])).status,
            200,
            "or this test proves nothing"
        );
        stop(&server);
        until("new connections are refused", || {
            TcpStream::connect(address).err()
        });
        assert!(idle.is_ended(), "it has nothing in flight");
        assert!(server.ended().is_none());
        waiting.send(json.as_bytes()).expect("sent");
        assert_eq!(waiting.answer().payload(), plain("in"));
        assert!(waiting.is_ended());
        assert_eq!(server.wait().code(), Some(0));
    };
    check(Server::terminate);
    check(Server::interrupt);
}

/// Nor do components that are still to be compiled.
#[test]
fn a_server_that_starts_can_be_stopped() {
    const COMPONENTS: u64 = 100;
    let name = |number: u64| format!("version-{number}");
    let config = (0..COMPONENTS).map(|number| {
        let name = name(number);
        format!("[namespaces.{name}]\ncomponent = \"{name}.wasm\"\n")
    });
    let setup = Setup::config(&config.collect::<String>());
    let mut server = (0..COMPONENTS)
        .fold(setup, |setup, number| {
            let artifact = Version::Plain.artifact(number);
            setup.file(&format!("{}.wasm", name(number)), artifact)
        })
        .begin();
    server.logs(&["serving"]);
    server.terminate();
    assert_eq!(server.wait().code(), Some(0));
    assert_eq!(server.announced(), None);
}

#[test]
fn a_request_that_takes_too_long_does_not_keep_the_server() {
    let mut server = Setup::config(
        "[limits]\ndrain-ms = 100\n[namespaces.spins]\ncomponent = \"spins.wasm\"\nlimits = { deadline-ms = 60000 }\n",
    )
    .start();
    let mut connection = server.connect();
    let bytes = Request::decode("spins", &[plain("in")]).bytes();
    connection.send(&bytes).expect("sent");
    server.terminate();
    assert_eq!(server.wait().code(), Some(0));
    server.logs(&["WARN", "limits.drain-ms"]);
    assert!(connection.is_ended());
}

#[test]
fn who_never_pauses_is_told_of_the_end_and_loses_nothing() {
    let server = Setup::demo().start();
    let request = Request::decode("any", &[plain("in")]);
    let mut connection = server.connect();
    let mut is_last = || {
        let answer = connection.ask(&request);
        assert_eq!(answer.payload(), plain("in"));
        answer.header("connection") == Some("close")
    };
    assert!(!is_last());
    server.terminate();
    while !is_last() {}
    assert!(connection.is_ended());
}

#[test]
fn what_was_sent_before_the_end_is_answered() {
    let server = Setup::demo().start();
    let request = Request::decode("any", &[plain("in")]);
    let mut connections: Vec<_> = (0..200).map(|_| server.connect()).collect();
    for connection in &mut connections {
        assert_eq!(connection.ask(&request).payload(), plain("in"));
    }
    // These have not been used yet.
    connections.extend((0..100).map(|_| server.connect()));
    // It reads nothing before it is told.
    server.signal("STOP");
    for connection in &mut connections {
        connection.send(&request.bytes()).expect("sent");
    }
    server.terminate();
    server.signal("CONT");
    for connection in &mut connections {
        assert_eq!(connection.answer().payload(), plain("in"));
    }
}
