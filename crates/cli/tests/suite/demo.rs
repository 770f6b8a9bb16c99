//! The demonstration: that it passes, and that it would notice.

use crate::books::{Directory, printed, tollbridge};
use std::fs;

#[test]
fn the_story_holds_from_end_to_end() {
    let directory = Directory::new();
    let goods = directory.0.join("goods");
    fs::create_dir(&goods).expect("the directory is ours");
    fs::write(goods.join("one.txt"), "one\n").expect("the directory is ours");
    fs::write(goods.join("two.txt"), "two\n").expect("the directory is ours");
    let keep = directory.0.join("kept");
    let (goods, keep) = (goods.to_str().expect("text"), keep.to_str().expect("text"));
    let played = tollbridge(&["demo", "--sell", goods, "--keep", keep]);
    let story = printed(&played);
    let why = String::from_utf8_lossy(&played.stderr);
    assert_eq!(played.status.code(), Some(0), "{story}\n{why}");
    for told in ["0.30 CNY", "killed with -9", "paid exactly once", "is refused", "all of it held"] {
        assert!(story.contains(told), "`{told}` is not in\n{story}");
    }
    // What it left behind says the same to everybody else.
    let book = format!("{keep}/book");
    assert_eq!(tollbridge(&["verify", &book]).status.code(), Some(0));
    assert_eq!(tollbridge(&["replay", &book, "--against"]).status.code(), Some(0));
}
