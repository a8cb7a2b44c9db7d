//! What somebody would write in Rust instead: axum takes the call, reqwest hands it to the upstream, and the answer streams back.
//!
//!     weir-bench-axum UPSTREAM [CERTIFICATE]      the file of a certificate to trust

use axum::{
    body::Body,
    extract::{Request, State},
    http::{header::CONTENT_TYPE, StatusCode},
    response::{IntoResponse, Response},
    Router,
};
use std::{env, fs, sync::Arc};

struct Upstream {
    client: reqwest::Client,
    origin: String,
}

#[tokio::main]
async fn main() {
    let mut words = env::args().skip(1);
    let origin = words.next().expect("the address of the upstream");
    rustls::crypto::ring::default_provider()
        .install_default()
        .expect("the only provider of this process");
    let certificates = words.next().map(|file| {
        let pem = fs::read(file).expect("the certificate can be read");
        reqwest::Certificate::from_pem(&pem).expect("the certificate is PEM")
    });
    let client = reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(usize::MAX)
        .tls_certs_only(certificates)
        .build()
        .expect("a client");
    let state = Arc::new(Upstream { client, origin });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("{{\"port\":{}}}", listener.local_addr().expect("an address").port());
    axum::serve(listener, Router::new().fallback(hand_on).with_state(state))
        .await
        .expect("the server goes on");
}

async fn hand_on(State(upstream): State<Arc<Upstream>>, request: Request) -> Response {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let asked = upstream
        .client
        .request(request.method().clone(), format!("{}{path}", upstream.origin))
        .header(CONTENT_TYPE, "application/json");
    let Ok(body) = axum::body::to_bytes(request.into_body(), 64 * 1024 * 1024).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let Ok(answer) = asked.body(body).send().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let mut response = Response::builder().status(answer.status());
    if let Some(kind) = answer.headers().get(CONTENT_TYPE) {
        response = response.header(CONTENT_TYPE, kind);
    }
    response
        .body(Body::from_stream(answer.bytes_stream()))
        .expect("headers that came from a response")
}
