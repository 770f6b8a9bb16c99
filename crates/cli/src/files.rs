//! `files`: a folder over plain HTTP. It knows nothing of payments: it is what `demo` and `dev` put a price in front of.

use crate::args::Files;
use crate::exit::{Failure, Outcome};
use crate::output::Output;
use crate::runtime;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The most files that are listed.
const LISTED: usize = 1_000;

/// Serves the folder until told to stop.
pub(crate) fn run(output: &Output, args: &Files) -> Outcome {
    let directory = args.directory.canonicalize();
    let directory = directory.map_err(|fault| Failure::from(fault).during(args.directory.display()))?;
    let router = Router::new().fallback(file).with_state(Arc::new(directory));
    runtime::run(async {
        let listener = runtime::listen(args.listen).await?;
        let listening = format!("http://{}", listener.local_addr()?);
        output.line(format!("listening at {listening}"));
        output.object(&serde_json::json!({ "listening": listening }));
        let served = axum::serve(listener, router).with_graceful_shutdown(runtime::told_to_stop());
        served.await.map_err(Failure::from)
    })
}

async fn file(State(directory): State<Arc<PathBuf>>, uri: Uri) -> Response {
    let wanted = uri.path().trim_start_matches('/');
    if wanted.is_empty() {
        return ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], list(&directory).join("\n") + "\n")
            .into_response();
    }
    // Links may lead out of the folder: where the file really is counts.
    let found =
        directory.join(wanted).canonicalize().ok().filter(|path| path.starts_with(directory.as_path()));
    let read = match found {
        // From the page cache, mostly: a thread for it would cost more than the reading.
        Some(path) => std::fs::read(&path).map(|bytes| (path, bytes)).ok(),
        None => None,
    };
    let Some((path, bytes)) = read else {
        return (StatusCode::NOT_FOUND, "there is no such file\n").into_response();
    };
    ([(header::CONTENT_TYPE, HeaderValue::from_static(kind(&path)))], bytes).into_response()
}

fn kind(path: &Path) -> &'static str {
    match path.extension().and_then(|it| it.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("json") => "application/json",
        Some("md") => "text/markdown; charset=utf-8",
        Some("txt" | "toml" | "rs") => "text/plain; charset=utf-8",
        Some(_) | None => "application/octet-stream",
    }
}

/// The files below a folder, by their paths from it, in order.
pub(crate) fn list(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(listed) = std::fs::read_dir(&folder) else { continue };
        for entry in listed.flatten().take(LISTED) {
            let path = entry.path();
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                folders.push(path);
            } else if let Some(name) = path.strip_prefix(directory).ok().and_then(Path::to_str) {
                found.push(name.to_owned());
            }
        }
    }
    found.sort();
    found.truncate(LISTED);
    found
}
