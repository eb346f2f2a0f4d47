//! One large body.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use super::socket::{Answers, Response};

/// Downloads `size` bytes once; returns bytes a second.
pub fn download(addr: SocketAddr, size: usize) -> io::Result<f64> {
    let mut stream = TcpStream::connect(addr)?;
    stream.write_all(format!("GET /plain/{size} HTTP/1.1\r\nHost: bench\r\n\r\n").as_bytes())?;
    let (mut buffer, mut response, begin) = (vec![0; 1 << 20], Response::default(), Instant::now());
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Err(io::Error::other("the download was cut short"));
        }
        if response.advance(&buffer[..count])? > 0 {
            return Ok(size as f64 / begin.elapsed().as_secs_f64());
        }
    }
}
