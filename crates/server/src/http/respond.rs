//! Which page answers which request.

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use crate::metrics;
use crate::server::State;

/// Answers a request; what it carries beside its path is not looked at.
pub(super) async fn respond(
    request: Request<Incoming>,
    state: Arc<State>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let page = match request.uri().path() {
        _ if !is_read => Page::text(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered\n"),
        "/healthz" => Page::text(StatusCode::OK, "ok\n"),
        "/metrics" => {
            gather(state, |state| Page::text(StatusCode::OK, metrics::collect(state).to_text())).await
        }
        "/memory" => gather(state, memory).await,
        _ => Page::text(StatusCode::NOT_FOUND, "there are /metrics, /memory and /healthz\n"),
    };
    let mut response = Response::new(Full::new(Bytes::from(page.body)));
    *response.status_mut() = page.status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(page.kind));
    Ok(response)
}

/// What is sent.
struct Page {
    status: StatusCode,
    kind: &'static str,
    body: String,
}

impl Page {
    fn text(status: StatusCode, body: impl Into<String>) -> Page {
        Page { status, kind: "text/plain; version=0.0.4; charset=utf-8", body: body.into() }
    }
}

fn memory(state: &State) -> Page {
    match metrics::memory(state) {
        Some(report) => {
            Page { status: StatusCode::OK, kind: "application/json", body: format!("{}\n", report.to_json()) }
        }
        None => Page::text(StatusCode::NOT_FOUND, "the store behind this server has no memory budget\n"),
    }
}

/// Makes a page on one of the threads for queries, since it may wait for locks.
async fn gather(state: Arc<State>, make: fn(&State) -> Page) -> Page {
    let shared = Arc::clone(&state);
    match state.pool.run(move || make(&shared)).await {
        Ok(page) => page,
        Err(aborted) => Page::text(StatusCode::INTERNAL_SERVER_ERROR, format!("{aborted}\n")),
    }
}
