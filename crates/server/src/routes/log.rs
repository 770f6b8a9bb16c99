//! The transparency log: checkpoint, tiles, bundles and keys, as C2SP's tlog-tiles lays them out.
//!
//! Tiles of hashes tell nothing about what is in the entries. Bundles of entries do, so they are the operator's, unless
//! the book is public; `/v1/entries` shows each entry to those whom it concerns.

use crate::auth::Kind;
use crate::codes::Edge;
use crate::problem::{Answered, Problem};
use crate::request::Call;
use crate::state::{App, LogReaders};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use book::Seq;
use engine::journal::{Frame, JournalFault, Reader};
use evidence::Tile;
use evidence::bundle::push_entry;
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

/// What each key of the log said of the one after it, oldest first; nothing where there was only one.
///
/// Each is a C2SP signed note by the key that ends: a checkpoint of the log where it ends, and a line `successor` with the
/// next key. Whoever has one of the keys can check the later ones with it.
#[utoipa::path(get, path = "/log/successions", tag = "log", security(()),
    responses((status = 200, description = "Signed notes, with an empty line between any two", body = String, content_type = "text/plain")))]
pub async fn get_successions(State(app): State<App>) -> Response {
    text(app.log_successions.clone())
}

/// One tile of hashes: `/log/tile/0/x001/234`, or `/log/tile/0/x001/234.p/5` while it has five.
///
/// The paths are those of C2SP's tlog-tiles. Slashes in the index may be escaped, and need not be.
#[utoipa::path(get, path = "/log/tile/{level}/{index}", tag = "log", security(()),
    params(("level" = u8, Path), ("index" = String, Path)),
    responses((status = 200, description = "Hashes of 32 bytes", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 404, description = "The log has no such tile", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn get_tile(
    State(app): State<App>,
    Path((level, index)): Path<(String, String)>,
) -> Answered<Response> {
    let tile = published(&app, &level, &index)?;
    let hashes = tile.read(&app.log.hashes()).map_err(|_| Problem::from(Edge::NotFound))?;
    Ok(for_ever(hashes, "public, max-age=31536000, immutable"))
}

/// The entries below one tile of level 0, each behind its length in two bytes.
///
/// `/log/tile/entries/x001/234` has 256, `/log/tile/entries/x001/234.p/5` the first five. For the operator, for entries
/// name who paid whom; the operator of a public book lets everybody read them.
#[utoipa::path(get, path = "/log/tile/entries/{index}", tag = "log", params(("index" = String, Path)),
    responses((status = 200, description = "A bundle of C2SP's tlog-tiles", body = Vec<u8>, content_type = "application/octet-stream")))]
pub async fn get_bundle(State(app): State<App>, Path(index): Path<String>, call: Call) -> Answered<Response> {
    let caching = match app.log_readers {
        LogReaders::Operator => {
            app.caller(&call, &[Kind::Operator]).await?;
            "private, max-age=31536000, immutable"
        }
        LogReaders::Everybody => "public, max-age=31536000, immutable",
    };
    let tile = published(&app, "entries", &index)?;
    let journal = app.engine.journal();
    let bundle = app.reads.aside(move || {
        read_bundle(&journal, &tile).map_err(|fault| {
            tracing::error!(%fault, %tile, "a bundle cannot be read");
            Edge::Internal.into()
        })
    });
    Ok(for_ever(bundle.await?, caching))
}

/// The tile of that name, if the newest checkpoint covers all of it.
fn published(app: &App, level: &str, index: &str) -> Answered<Tile> {
    let absent = || Problem::from(Edge::NotFound);
    let tile = Tile::parse(&format!("tile/{level}/{index}")).map_err(|_| absent())?;
    let newest = Tile::within(tile.level(), tile.index(), app.log.published().size).ok().flatten();
    newest.filter(|newest| tile.width() <= newest.width()).map(|_| tile).ok_or_else(absent)
}

/// The entries of a tile that a checkpoint covers: whatever it covers is durable.
fn read_bundle(journal: &Reader, tile: &Tile) -> Result<Vec<u8>, JournalFault> {
    let first = tile.first_item();
    let end = first.saturating_add(u64::from(tile.width()));
    let (mut bundle, mut next) = (Vec::new(), Seq(first));
    while next.0 < end {
        let frames = journal.frames(next, u32::from(tile.width()))?;
        next = frames.last().expect("what a checkpoint covers is in the journal").next();
        let within = |(seq, _): &(Seq, &[u8])| first <= seq.0 && seq.0 < end;
        for (_, entry) in frames.iter().flat_map(Frame::entries).filter(within) {
            push_entry(&mut bundle, entry).expect("the journal has no entry that fits no bundle");
        }
    }
    Ok(bundle)
}

/// An answer that never changes: a tile with more in it has another name.
fn for_ever(body: Vec<u8>, caching: &'static str) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}

fn text(body: String) -> Response {
    let mut response = body.into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
