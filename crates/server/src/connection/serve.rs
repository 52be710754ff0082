//! The loop of one connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use bson::Document;
use stroma_document::{Code, Error};
use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::commands;
use crate::reply::failure;
use crate::server::State;
use crate::wire::{Request, WireError, read_frame, write_frame};

/// What is known of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Info {
    /// Its number since the start, from 1.
    pub(crate) number: u64,
    /// The client's address.
    pub(crate) peer: SocketAddr,
}

/// Numbers for replies; nobody looks at them.
static REPLIES: AtomicI32 = AtomicI32::new(0);

/// Answers the messages of a connection until the client leaves, breaks the protocol, or the server stops.
pub(crate) async fn serve(
    mut stream: TcpStream,
    info: Info,
    state: Arc<State>,
    mut stopped: watch::Receiver<bool>,
) {
    let _open = state.counters.connection();
    // Replies are written whole: waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let (read, mut write) = stream.split();
    let mut read = BufReader::new(read);
    loop {
        let answered = tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => return,
            request = next(&mut read, &state) => request,
        };
        let answered = match answered {
            Ok(Some(request)) => answer(&mut write, request, info, &state).await,
            Ok(None) => return,
            Err(error) => Err(error),
        };
        if let Err(error) = answered {
            if !matches!(error, WireError::Connection(_)) {
                state.counters.protocol_errors.fetch_add(1, Ordering::Relaxed);
            }
            return;
        }
    }
}

/// The next request; none if the client has closed the connection.
async fn next(read: &mut (impl AsyncRead + Unpin), state: &State) -> Result<Option<Request>, WireError> {
    let Some((header, body)) = read_frame(read).await? else { return Ok(None) };
    state.counters.bytes_in.fetch_add(header.length as u64, Ordering::Relaxed);
    Request::parse(header, &body).map(Some)
}

/// Carries a request out and sends the reply, if one is wanted.
async fn answer(
    write: &mut (impl AsyncWrite + Unpin),
    request: Request,
    info: Info,
    state: &Arc<State>,
) -> Result<(), WireError> {
    if let Some(message) = execute(request, info, state).await? {
        state.counters.bytes_out.fetch_add(message.len() as u64, Ordering::Relaxed);
        write_frame(write, &message).await?;
    }
    Ok(())
}

/// Runs a command, here if it touches no documents, or else on the pool, where its reply is encoded too.
async fn execute(mut request: Request, info: Info, state: &Arc<State>) -> Result<Option<Vec<u8>>, WireError> {
    let command = std::mem::take(&mut request.command);
    if commands::runs_inline(&command) {
        return encode(&request, &commands::run(state, info, command));
    }
    let shared = Arc::clone(state);
    let shape = request.without_command();
    let work = move || encode(&request, &commands::run(&shared, info, command));
    match state.pool.run(work).await {
        Ok(message) => message,
        Err(aborted) => encode(&shape, &failure(&Error::new(Code::InternalError, aborted.to_string()))),
    }
}

/// The reply as a message; one that cannot be encoded becomes an error that says so.
fn encode(request: &Request, reply: &Document) -> Result<Option<Vec<u8>>, WireError> {
    let number = REPLIES.fetch_add(1, Ordering::Relaxed);
    let message = request.reply(reply, number).or_else(|error| {
        let error = Error::new(Code::BSONObjectTooLarge, format!("the reply cannot be encoded: {error}"));
        request.reply(&failure(&error), number)
    });
    message.map_err(|source| WireError::Bson { offset: 0, source: Box::new(source) })
}
