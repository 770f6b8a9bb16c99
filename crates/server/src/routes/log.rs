//! The transparency log, for anybody: checkpoint, tiles and key, as C2SP's tlog-tiles lays them out.
//!
//! Tiles of hashes tell nothing about what is in the entries. Bundles of entries are for those whom they concern, so
//! they are not served here: `/v1/entries` shows each to the right people.

use crate::codes::Edge;
use crate::problem::{Answered, Problem};
use crate::state::App;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use evidence::{Tile, TileLevel};
use http::{HeaderValue, header};

/// The newest signed state of the log.
#[utoipa::path(get, path = "/log/checkpoint", tag = "log", security(()),
    responses((status = 200, description = "A C2SP signed note", body = String, content_type = "text/plain")))]
pub async fn get_checkpoint(State(app): State<App>) -> Response {
    text(app.log.published().checkpoint.clone())
}

/// The keys of the log, a line for each, newest first.
///
/// Behind a key stand the smallest log it may sign and the first it may no longer sign. The only key a log ever had
/// stands alone.
#[utoipa::path(get, path = "/log/vkey", tag = "log", security(()),
    responses((status = 200, description = "C2SP verifier keys, each with the sizes it may sign", body = String, content_type = "text/plain")))]
pub async fn get_vkey(State(app): State<App>) -> Response {
    text(app.log_keys.to_string())
}

/// One tile of hashes. Its path is that of C2SP's tlog-tiles.
#[utoipa::path(get, path = "/log/tile/{path}", tag = "log", security(()), params(("path" = String, Path)),
    responses((status = 200, description = "Hashes", body = Vec<u8>, content_type = "application/octet-stream")))]
pub async fn get_tile(State(app): State<App>, Path(path): Path<String>) -> Answered<Response> {
    let tile = Tile::parse(&format!("tile/{path}")).map_err(|_| Problem::from(Edge::NotFound))?;
    match tile.level() {
        TileLevel::Entries => return Err(Edge::NotFound.into()),
        TileLevel::Hashes(_) => {}
    }
    let size = app.log.published().size;
    let within = Tile::within(tile.level(), tile.index(), size).ok().flatten();
    if within.is_none_or(|newest| newest.width() < tile.width()) {
        return Err(Edge::NotFound.into());
    }
    let hashes = tile.read(&app.log.hashes()).map_err(|_| Problem::from(Edge::NotFound))?;
    let mut response = hashes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    Ok(response)
}

fn text(body: String) -> Response {
    let mut response = body.into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
