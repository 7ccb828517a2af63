//! The server against a plain socket.

use std::io::{Read, Write};

use super::*;

/// A server of one file of 1000 bytes that count up, at `/f/a.bin`.
fn server(name: &str) -> (Server, PathBuf) {
    let folder = std::env::temp_dir().join(format!("retort-server-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let bytes: Vec<u8> = (0..1000).map(|i| i as u8).collect();
    std::fs::write(folder.join("a.bin"), bytes).unwrap();
    let server = Server::start(0, &[("/f/", &folder)]).unwrap();
    (server, folder)
}

/// Sends one request and reads until the connection closes or the announced body is complete.
fn ask(server: &Server, path: &str, header: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(server.address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: h\r\n{header}\r\n").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let split = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    let head = String::from_utf8(answer[..split].to_vec()).unwrap();
    (head, answer[split..].to_vec())
}

#[test]
fn ranges_and_counts() {
    let (server, folder) = server("ranges");
    let (head, body) = ask(&server, "/f/a.bin", "Range: bytes=10-19\r\n");
    assert!(head.starts_with("HTTP/1.1 206"), "{head}");
    assert!(head.contains("Content-Range: bytes 10-19/1000"), "{head}");
    assert_eq!(body, (10..20).collect::<Vec<u8>>());
    let (head, _) = ask(&server, "/f/a.bin", "Range: bytes=1000-\r\n");
    assert!(head.starts_with("HTTP/1.1 416"), "{head}");
    let hits = server.hits("/f/a.bin");
    assert_eq!((hits.requests, hits.bytes), (1, 10));
    assert_eq!(hits.sent.first(), Some(&(10..20)));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn nothing_outside_of_the_mount() {
    let (server, folder) = server("outside");
    for path in [
        "/f/../a.bin",
        "/f/%2e%2e/a.bin",
        "/a.bin",
        "/f/b.bin",
        "/f//etc/passwd",
    ] {
        let (head, _) = ask(&server, path, "");
        assert!(head.starts_with("HTTP/1.1 404"), "{path}: {head}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn unchanged_files_are_not_sent_again() {
    let (server, folder) = server("tag");
    let (head, _) = ask(&server, "/f/a.bin", "");
    let tag = head
        .lines()
        .find_map(|line| line.strip_prefix("ETag: "))
        .unwrap();
    let (head, body) = ask(&server, "/f/a.bin", &format!("If-None-Match: {tag}\r\n"));
    assert!(head.starts_with("HTTP/1.1 304"), "{head}");
    assert!(body.is_empty());
    assert_eq!(server.hits("/f/a.bin").requests, 1);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn faults_happen_as_often_as_told() {
    let (server, folder) = server("faults");
    server.inject("/f/a.bin", Fault::Cut { at: 100, times: 1 });
    let (head, body) = ask(&server, "/f/a.bin", "");
    assert!(head.contains("Content-Length: 1000"), "{head}");
    assert_eq!(body.len(), 100);
    assert_eq!(ask(&server, "/f/a.bin", "").1.len(), 1000);

    server.inject("/f/a.bin", Fault::FlipByte { at: 3 });
    server.inject("/f/a.bin", Fault::NoRanges);
    let (head, body) = ask(&server, "/f/a.bin", "Range: bytes=3-3\r\n");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!((body.len(), body[3]), (1000, 0xfc));

    server.heal();
    server.inject(
        "/f/a.bin",
        Fault::Status {
            code: 503,
            times: 1,
        },
    );
    assert!(ask(&server, "/f/a.bin", "").0.starts_with("HTTP/1.1 503"));
    assert!(ask(&server, "/f/a.bin", "").0.starts_with("HTTP/1.1 200"));
    std::fs::remove_dir_all(folder).unwrap();
}
