//! One POST over HTTP/1.0: the answer ends where the connection does (CLI-3).

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::place::Place;

const CONNECT_TIME: Duration = Duration::from_secs(10);
/// For each piece that is read or written.
const TIME: Duration = Duration::from_secs(30);
/// Bytes of an answer that are read.
const ANSWER: u64 = 1 << 20;

/// Posts JSON; returns the status and the body of the answer.
pub(super) fn post(place: &Place, body: &[u8]) -> io::Result<(u16, Vec<u8>)> {
    let mut stream = connect(place)?;
    stream.set_read_timeout(Some(TIME))?;
    stream.set_write_timeout(Some(TIME))?;
    let token = place.token().map(|token| format!("Authorization: Bearer {token}\r\n"));
    let head = format!(
        "POST {} HTTP/1.0\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{}\r\n",
        place.path,
        place.authority(),
        body.len(),
        token.unwrap_or_default(),
    );
    stream.write_all(&[head.as_bytes(), body].concat())?;
    let mut answer = Vec::new();
    stream.take(ANSWER).read_to_end(&mut answer)?;
    parse(&answer).ok_or_else(|| io::Error::other("the answer is no HTTP"))
}

fn connect(place: &Place) -> io::Result<TcpStream> {
    let mut failed = io::Error::other("the name has no address");
    for addr in (place.host.as_str(), place.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&addr, CONNECT_TIME) {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// The status and the body of a response.
fn parse(answer: &[u8]) -> Option<(u16, Vec<u8>)> {
    const END: &[u8] = b"\r\n\r\n";
    let end = answer.windows(END.len()).position(|window| window == END)?;
    let (head, body) = answer.split_at(end + END.len());
    let mut words = head.split(|&byte| byte == b' ' || byte == b'\r');
    if !words.next()?.starts_with(b"HTTP/1.") {
        return None;
    }
    let status = std::str::from_utf8(words.next()?).ok()?.parse().ok()?;
    Some((status, body.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cli_3_answers() {
        let read = |answer: &str| parse(answer.as_bytes()).map(|(code, body)| (code, body.len()));
        assert_eq!(read("HTTP/1.0 200 OK\r\nA: b\r\n\r\nhi"), Some((200, 2)));
        assert_eq!(read("HTTP/1.1 202\r\n\r\n"), Some((202, 0)));
        for bad in ["", "HTTP/1.0 200 OK\r\n", "SSH-2.0-x\r\n\r\n", "HTTP/1.0 x\r\n\r\n"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
