//! The way to the server, which can be cut for some requests, before or after the server has done them.

use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The request does not arrive.
    Before,
    /// It is done, and the answer gets lost.
    After,
}

#[derive(Debug)]
pub(crate) struct Tunnel {
    pub(crate) url: String,
    server: Mutex<String>,
    cut: Mutex<Option<(Cut, &'static str)>>,
    http: reqwest::Client,
}

impl Tunnel {
    pub(crate) async fn start(server: String) -> Arc<Tunnel> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tunnel = Arc::new(Tunnel {
            url: format!("http://{}", listener.local_addr().unwrap()),
            server: Mutex::new(server),
            cut: Mutex::default(),
            http: reqwest::Client::new(),
        });
        let through = Arc::clone(&tunnel);
        let app = axum::Router::new().fallback(move |request: Request<Body>| {
            let through = Arc::clone(&through);
            async move { through.carry(request).await }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        tunnel
    }

    /// Cuts requests whose path begins so.
    pub(crate) fn cut(&self, when: Cut, path: &'static str) {
        *self.cut.lock().unwrap() = Some((when, path));
    }

    pub(crate) fn heal(&self) {
        *self.cut.lock().unwrap() = None;
    }

    async fn carry(&self, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let cut = self.cut.lock().unwrap().filter(|(_, path)| parts.uri.path().starts_with(path));
        if matches!(cut, Some((Cut::Before, _))) {
            return away();
        }
        let server = self.server.lock().unwrap().clone();
        let answer = self
            .http
            .request(parts.method, format!("{server}{}", parts.uri))
            .headers(parts.headers)
            .body(body)
            .send()
            .await
            .unwrap();
        if matches!(cut, Some((Cut::After, _))) {
            return away();
        }
        let mut response = Response::builder().status(answer.status());
        *response.headers_mut().unwrap() = answer.headers().clone();
        response.body(Body::from(answer.bytes().await.unwrap())).unwrap()
    }
}

fn away() -> Response<Body> {
    Response::builder().status(503).body(Body::empty()).unwrap()
}
