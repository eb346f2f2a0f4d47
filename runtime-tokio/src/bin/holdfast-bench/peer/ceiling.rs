//! What the machine allows: the least that any server must do for the same work.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::process::Child;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use super::Site;
use crate::sys::{self, wait};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n";

pub fn start(site: &Site) -> io::Result<Child> {
    let program = std::env::current_exe()?;
    let addr = site.http.to_string();
    sys::spawn_server(site.cores, &program.to_string_lossy(), &["ceiling", "--listen", &addr])
}

/// Answers whatever is read with 1 KB, without looking at it.
pub fn hello(addr: SocketAddr) -> io::Result<()> {
    let answer = [ANSWER, &[b'x'; 1024]].concat();
    let mut conns: Vec<Option<TcpStream>> = Vec::new();
    accept_loop(addr, |poll, event| match event {
        Step::Accepted(mut stream) => {
            poll.registry().register(&mut stream, Token(conns.len()), Interest::READABLE)?;
            conns.push(Some(stream));
            Ok(())
        }
        Step::Ready(token) => {
            let Some(stream) = &mut conns[token] else { return Ok(()) };
            let mut buffer = [0; 4096];
            match stream.read(&mut buffer) {
                Ok(count) if count > 0 => stream.write_all(&answer),
                Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
                _ => {
                    conns[token] = None;
                    Ok(())
                }
            }
        }
    })
}

enum Step {
    Accepted(TcpStream),
    Ready(usize),
}

fn accept_loop(
    addr: SocketAddr,
    mut step: impl FnMut(&Poll, Step) -> io::Result<()>,
) -> io::Result<()> {
    const LISTENER: Token = Token(usize::MAX);
    let mut listener = TcpListener::bind(addr)?;
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    loop {
        wait(&mut poll, &mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((stream, _)) = listener.accept() {
                    stream.set_nodelay(true)?;
                    step(&poll, Step::Accepted(stream))?;
                }
            } else {
                step(&poll, Step::Ready(event.token().0))?;
            }
        }
    }
}

/// Writes one 100-byte chunk to each of `count` sockets of this process's own, for `rounds`; returns
/// writes a second.
pub fn writes(count: usize, rounds: usize) -> io::Result<f64> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    let mut pairs = Vec::with_capacity(count);
    for _ in 0..count {
        let client = std::net::TcpStream::connect(addr)?;
        let (server, _) = listener.accept()?;
        server.set_nodelay(true)?;
        server.set_nonblocking(true)?;
        pairs.push((server, client));
    }
    let data = [b'x'; 107];
    let begin = std::time::Instant::now();
    for _ in 0..rounds {
        for (server, _) in &mut pairs {
            server.write_all(&data)?;
        }
    }
    Ok((count * rounds) as f64 / begin.elapsed().as_secs_f64())
}
