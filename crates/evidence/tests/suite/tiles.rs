//! Tiles and bundles: paths in one spelling, coordinates within range, bytes as published.

use crate::oracle::Stored;
use evidence::bundle::{BundleError, entries, push_entry};
use evidence::limits::ENTRY_BYTES_MAX;
use evidence::tile::{Tile, TileError, TileLevel};
use evidence::{HashReader, MissingHash};

use TileLevel::{Entries, Hashes};

#[test]
fn a_tile_has_one_path() {
    for (level, index, width, path) in [
        (Hashes(0), 0, 256, "tile/0/000"),
        (Hashes(0), 5, 256, "tile/0/005"),
        (Hashes(0), 999, 1, "tile/0/999.p/1"),
        (Hashes(1), 1_000, 255, "tile/1/x001/000.p/255"),
        (Hashes(3), 1_234, 5, "tile/3/x001/234.p/5"),
        (Hashes(0), 1_234_067, 256, "tile/0/x001/x234/067"),
        (Hashes(6), 127, 256, "tile/6/127"),
        (Hashes(7), 0, 127, "tile/7/000.p/127"),
        (Entries, 1_234_067, 8, "tile/entries/x001/x234/067.p/8"),
        (Entries, 0, 256, "tile/entries/000"),
    ] {
        let tile = Tile::new(level, index, width).unwrap();
        assert_eq!(tile.to_string(), path);
        assert_eq!(Tile::parse(path), Ok(tile));
        assert_eq!((tile.level(), tile.index(), tile.width()), (level, index, width));
    }
}

#[test]
fn every_other_spelling_is_refused() {
    for path in [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/1000",
        "tile/0/x000/001",
        "tile/0/001/234",
        "tile/0/x001/x234",
        "tile/0/x001",
        "tile/00/001",
        "tile/+0/001",
        "tile/8/000",
        "tile/64/000",
        "tile/data/000",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/01",
        "tile/0/001.p/",
        "tile/0/001.p/5/",
        "tile/0/001.p",
        "tile/0/001 ",
        "/tile/0/001",
        "tile/0/-01",
        "tile/0/+01",
        "tile/0/x18/x446/x744/x073/x709/x551/615",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/entries/x001",
    ] {
        assert_eq!(Tile::parse(path), Err(TileError::Path(path.to_owned())));
    }
}

#[test]
fn coordinates_stay_within_the_largest_tree() {
    for (level, index, width, error) in [
        (Hashes(8), 0, 1, TileError::Level(8)),
        (Hashes(255), 0, 1, TileError::Level(255)),
        (Hashes(0), 0, 0, TileError::Width(0)),
        (Hashes(0), 0, 257, TileError::Width(257)),
        (Hashes(7), 1, 256, TileError::Index(1)),
        (Hashes(6), 128, 256, TileError::Index(128)),
        (Hashes(0), 1 << 55, 256, TileError::Index(1 << 55)),
        (Entries, u64::MAX, 256, TileError::Index(u64::MAX)),
    ] {
        assert_eq!(Tile::new(level, index, width), Err(error));
    }
    assert_eq!(Tile::new(Hashes(0), (1 << 55) - 1, 256).unwrap().first_item(), (1 << 63) - 256);
}

/// The example of the specification: 70,000 leaves.
#[test]
fn a_tree_has_the_tiles_of_its_size() {
    for (level, index, width) in [
        (Hashes(0), 0, 256),
        (Hashes(0), 272, 256),
        (Hashes(0), 273, 112),
        (Hashes(0), 274, 0),
        (Hashes(1), 0, 256),
        (Hashes(1), 1, 17),
        (Hashes(1), 2, 0),
        (Hashes(2), 0, 1),
        (Hashes(2), 1, 0),
        (Hashes(3), 0, 0),
        (Entries, 273, 112),
        (Entries, 274, 0),
    ] {
        let tile = Tile::within(level, index, 70_000).unwrap();
        assert_eq!(tile.map_or(0, |tile| tile.width()), width, "tile {index} of {level:?}");
    }
    assert_eq!(Tile::within(Hashes(7), 0, (1 << 63) - 1).unwrap().unwrap().width(), 127);
}

#[test]
fn a_tile_is_its_items_one_behind_the_other() {
    let stored = Stored::of(&crate::oracle::entries(600));
    let tile = |level, index| Tile::within(Hashes(level), index, 600).unwrap().unwrap();
    assert_eq!(tile(0, 0).read(&stored).unwrap().len(), 8_192);
    assert_eq!(tile(0, 2).read(&stored).unwrap().len(), 88 * 32);
    assert_eq!(tile(0, 2).read(&stored).unwrap()[..32], stored.hash(0, 512).unwrap().0);
    assert_eq!(
        tile(1, 0).read(&stored).unwrap(),
        [Stored::of(&crate::oracle::entries(256)).frontier.root().0, stored.hash(1, 1).unwrap().0].concat()
    );
    let missing = Err(MissingHash { level: 0, index: 600 });
    assert_eq!(Tile::new(Hashes(0), 2, 256).unwrap().read(&stored), missing);
}

#[test]
fn a_bundle_gives_back_its_entries() {
    let mut bundle = Vec::new();
    let longest = vec![7; ENTRY_BYTES_MAX];
    for entry in [&b"one"[..], b"", &longest] {
        push_entry(&mut bundle, entry).unwrap();
    }
    assert_eq!(bundle[..8], *b"\x00\x03one\x00\x00\xff");
    assert_eq!(entries(&bundle).unwrap(), [&b"one"[..], b"", &longest]);
    assert_eq!(entries(&[]).unwrap(), Vec::<&[u8]>::new());

    let before = bundle.clone();
    let too_long = vec![7; ENTRY_BYTES_MAX + 1];
    assert_eq!(push_entry(&mut bundle, &too_long), Err(BundleError::EntryTooLong(65_536)));
    assert_eq!(bundle, before);

    assert_eq!(entries(&bundle[..4]), Err(BundleError::CutOff(0)));
    assert_eq!(entries(&bundle[..6]), Err(BundleError::CutOff(1)));
    assert_eq!(entries(&bundle[..bundle.len() - 1]), Err(BundleError::CutOff(2)));
    assert_eq!(entries(&[0; 512]).unwrap().len(), 256);
    assert_eq!(entries(&[0; 514]), Err(BundleError::TooMany));
}
