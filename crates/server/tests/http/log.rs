//! The log as it is published: bundles of entries fit their tiles, and only the right people read them.

use crate::house::House;
use evidence::bundle::entries;
use evidence::{Frontier, KeyHistory, leaf_hash};
use http::Method;
use serde_json::Value;
use server::state::LogReaders;

/// What everybody may read at this address.
async fn public(house: &House, path: &str) -> Vec<u8> {
    let reply = house.plain(Method::GET, path, &[], "").await;
    assert_eq!(reply.status, 200, "{path}");
    reply.body.to_vec()
}

/// What the operator reads at this address.
async fn read(house: &House, path: &str) -> Vec<u8> {
    let reply = house.get(&house.operator, path).await;
    assert_eq!(reply.status, 200, "{path}: {:?}", reply.body);
    assert_eq!(reply.headers["cache-control"], "private, max-age=31536000, immutable");
    reply.body.to_vec()
}

#[tokio::test]
async fn bundles_are_what_the_tiles_are_the_hashes_of() {
    let house = House::new().await;
    for _ in 0..3 {
        let payments: Vec<Value> = (0..100).map(|_| house.payment("1")).collect();
        house.post(&house.agent, "/v1/payments", payments.into()).await.expect(200);
    }
    let keys = KeyHistory::parse(&String::from_utf8(public(&house, "/log/vkey").await).unwrap()).unwrap();
    let entry_count = 5 + 6 + 6 + 3 * 101;
    let signed = loop {
        let note = String::from_utf8(public(&house, "/log/checkpoint").await).unwrap();
        let signed = keys.verify(&note).unwrap().into_inner();
        if entry_count <= signed.size {
            break signed;
        }
    };
    assert_eq!(signed.size, entry_count, "each request is an entry of its own");

    let width = signed.size - 256;
    let mut frontier = Frontier::default();
    for (tile, wide) in [("000".to_owned(), 256), (format!("001.p/{width}"), usize::try_from(width).unwrap())]
    {
        let bundle = read(&house, &format!("/log/tile/entries/{tile}")).await;
        let bundle = entries(&bundle).unwrap();
        assert_eq!(bundle.len(), wide);
        let hashes = public(&house, &format!("/log/tile/0/{tile}")).await;
        for (entry, hash) in bundle.into_iter().zip(hashes.as_chunks::<32>().0) {
            assert_eq!(leaf_hash(entry).as_bytes(), hash);
            frontier.push(leaf_hash(entry));
        }
    }
    assert_eq!(frontier.root(), signed.root);

    // One that has been filled since is still there as it was, and slashes may be escaped.
    let three = read(&house, "/log/tile/entries/000.p/3").await;
    assert_eq!(entries(&three).unwrap().len(), 3);
    assert_eq!(read(&house, "/log/tile/entries/000.p%2F3").await, three);
    assert!(read(&house, "/log/tile/entries/000").await.starts_with(&three));
    let beyond = format!("001.p/{}", width + 1);
    for absent in [beyond.as_str(), "001", "002.p/1", "000.p/0", "000.p/256", "0", "x000/000", "abc", "000/"]
    {
        house.get(&house.operator, &format!("/log/tile/entries/{absent}")).await.problem(404, "not_found");
        house.plain(Method::GET, &format!("/log/tile/0/{absent}"), &[], "").await.problem(404, "not_found");
    }
    for absent in ["/log/tile/8/000.p/1", "/log/tile/-1/000.p/1", "/log/tile/0", "/log/tile/entries"] {
        house.get(&house.operator, absent).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn entries_are_the_operators_to_read_unless_the_book_is_public() {
    let mut house = House::new().await;
    let path = "/log/tile/entries/000.p/1";
    house.plain(Method::GET, path, &[], "").await.problem(401, "signature_missing");
    for who in [&house.owner, &house.agent, &house.seller] {
        house.get(who, path).await.problem(403, "audience_wrong");
    }
    house.plain(Method::GET, "/log/tile/entries/999", &[], "").await.problem(401, "signature_missing");
    let bundle = read(&house, path).await;
    let session = house.session(&house.operator).await;
    let in_session = house.in_session(&session, Method::GET, path, "", crate::house::nonce());
    assert_eq!(house.send(in_session).await.body, bundle);

    house.log_readers = LogReaders::Everybody;
    house.restart().await;
    let reply = house.plain(Method::GET, path, &[], "").await;
    assert_eq!((reply.status, reply.body.to_vec()), (200, bundle));
    assert_eq!(reply.headers["cache-control"], "public, max-age=31536000, immutable");
}
