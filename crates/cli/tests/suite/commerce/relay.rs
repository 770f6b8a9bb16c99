//! A relay in front of a process: what passes is written down, can be stopped on its way, and is altered where a test says so.

use super::town::Town;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::{Request, Response, StatusCode, header};
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};

/// On which side of the process behind a request is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// It never hears of it.
    Before,
    /// It has done it, and its answer is lost.
    After,
}

/// A relay, until its town ends.
pub(crate) struct Relay {
    pub(crate) at: String,
    shared: Arc<Shared>,
}

struct Shared {
    to: String,
    client: reqwest::Client,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Path and body of what has passed.
    passed: Vec<(String, String)>,
    /// The ends of paths that are stopped.
    stops: Vec<(String, Side)>,
    /// How many were stopped.
    stopped: usize,
    /// What is altered in answers.
    altered: Vec<(String, String)>,
}

impl Relay {
    pub(crate) fn to(town: &Town, to: &str) -> Relay {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let shared = Arc::new(Shared { to: to.to_owned(), client, known: Mutex::default() });
        let app = axum::Router::new().fallback(pass).with_state(shared.clone());
        let at = town.run(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
            let at = format!("http://{}", listener.local_addr().expect("an address"));
            tokio::spawn(async move { axum::serve(listener, app).await });
            at
        });
        // What the process says of itself leads through here, too.
        let relay = Relay { at, shared };
        relay.alter(to, &relay.at);
        relay
    }

    /// Stops each request whose path ends so.
    pub(crate) fn stop(&self, end: &str, side: Side) {
        self.shared.known().stops.push((end.to_owned(), side));
    }

    /// Waits until a request of this program was stopped.
    pub(crate) fn wait(&self, program: &mut Child) {
        while self.shared.known().stopped == 0 {
            let ended = program.try_wait().expect("it is ours");
            assert!(ended.is_none(), "it ended before it came here: {:?}", self.shared.known().passed);
            std::thread::yield_now();
        }
    }

    /// Lets everything pass from now on. What was stopped stays so.
    pub(crate) fn open(&self) {
        let mut known = self.shared.known();
        known.stops.clear();
        known.stopped = 0;
    }

    pub(crate) fn alter(&self, from: &str, to: &str) {
        self.shared.known().altered.push((from.to_owned(), to.to_owned()));
    }

    /// The bodies of what has passed with a path that ends so.
    pub(crate) fn passed(&self, end: &str) -> Vec<String> {
        let known = self.shared.known();
        known.passed.iter().filter(|(path, _)| path.ends_with(end)).map(|(_, body)| body.clone()).collect()
    }
}

impl Shared {
    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a request is stopped, if it is.
    fn stops(&self, path: &str) -> Option<Side> {
        self.known().stops.iter().find(|(end, _)| path.ends_with(end)).map(|(_, side)| *side)
    }

    async fn stopped(&self) -> Response<Body> {
        self.known().stopped += 1;
        std::future::pending().await
    }
}

async fn pass(State(shared): State<Arc<Shared>>, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.expect("it is short");
    let path = head.uri.path().to_owned();
    let stop = shared.stops(&path);
    if stop == Some(Side::Before) {
        return shared.stopped().await;
    }
    let place = head.uri.path_and_query().map_or("/", |place| place.as_str());
    let text = String::from_utf8_lossy(&body).into_owned();
    let asked = shared.client.request(head.method, format!("{}{place}", shared.to)).headers(head.headers);
    let answer = match asked.body(body).send().await {
        Ok(answer) => answer,
        Err(_) => {
            return Response::builder()
                .status(StatusCode::BAD_GATEWAY)
                .body(Body::empty())
                .expect("it is short");
        }
    };
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    let mut said = answer.bytes().await.unwrap_or_default();
    shared.known().passed.push((path, text));
    if stop == Some(Side::After) {
        return shared.stopped().await;
    }
    for (from, to) in shared.known().altered.clone() {
        said = Bytes::from(String::from_utf8_lossy(&said).replace(&from, &to));
    }
    for name in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION] {
        headers.remove(name);
    }
    let mut response = Response::new(Body::from(said));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
