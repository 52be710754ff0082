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
    let (status, text) = match request.uri().path() {
        _ if !is_read => (StatusCode::METHOD_NOT_ALLOWED, "only GET is answered\n".to_owned()),
        "/healthz" => (StatusCode::OK, "ok\n".to_owned()),
        "/metrics" => figures(state).await,
        _ => (StatusCode::NOT_FOUND, "there are /metrics and /healthz\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}

async fn figures(state: Arc<State>) -> (StatusCode, String) {
    let shared = Arc::clone(&state);
    match state.pool.run(move || metrics::collect(&shared).to_text()).await {
        Ok(text) => (StatusCode::OK, text),
        Err(aborted) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{aborted}\n")),
    }
}
