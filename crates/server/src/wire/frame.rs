//! Whole messages off and onto a connection.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::header::HEADER_BYTES;
use super::{Header, WireError};

/// A body is read in pieces of at most this size, so that a claimed length alone takes no memory.
const PIECE: usize = 1 << 20;

/// Reads one message; `None` when the peer closed the connection between two.
pub(crate) async fn read_frame(
    connection: &mut (impl AsyncRead + Unpin),
) -> Result<Option<(Header, Vec<u8>)>, WireError> {
    let mut head = [0; HEADER_BYTES];
    let first = connection.read(&mut head).await?;
    if first == 0 {
        return Ok(None);
    }
    connection.read_exact(&mut head[first..]).await?;
    let header = Header::parse(&head)?;
    let length = header.length - HEADER_BYTES;
    let mut body = Vec::with_capacity(length.min(PIECE));
    while body.len() < length {
        let start = body.len();
        body.resize(length.min(start + PIECE), 0);
        connection.read_exact(&mut body[start..]).await?;
    }
    Ok(Some((header, body)))
}

/// Writes one message whose bytes are complete.
pub(crate) async fn write_frame(
    connection: &mut (impl AsyncWrite + Unpin),
    message: &[u8],
) -> Result<(), WireError> {
    connection.write_all(message).await?;
    connection.flush().await?;
    Ok(())
}
