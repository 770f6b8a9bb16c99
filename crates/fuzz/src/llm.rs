//! Calls to language models and their answers: the same whatever the network cuts, and rewritten calls stay calls.
#![no_main]

use protocols::llm::{Call, Piece, Rewrite, Shape, StreamReader, read_whole};

fuzz::target!(|input: &[u8]| {
    // Which shape, and where to cut; then the text.
    let Some((&[kind, cut, _], text)) = input.split_first_chunk::<3>() else { return };
    let shape = Shape::ALL[usize::from(kind) % Shape::ALL.len()];
    if let Ok(call) = Call::read(shape, text) {
        let add = Rewrite {
            output_max: call.output_max.is_none().then_some(("max_tokens", 7)),
            continuous_usage: kind & 128 != 0,
        };
        let sent = call.rewrite(text, add).expect("what was read can be rewritten");
        let again = Call::read(shape, &sent).expect("what was rewritten can be read");
        assert_eq!((again.model, again.choices, again.has_media), (call.model, call.choices, call.has_media));
        assert_eq!(again.output_max, call.output_max.or(Some(7)));
    }
    let tally = read_whole(shape, text);
    assert!(tally.pieces <= tally.text_bytes);
    let mut whole = StreamReader::new(shape);
    let Ok(pieces) = whole.push(text) else { return };
    let (head, tail) = text.split_at(usize::from(cut).min(text.len()));
    let mut parts = StreamReader::new(shape);
    let mut found = parts.push(head).expect("a part is no longer than the whole");
    found.extend(parts.push(tail).expect("a part is no longer than the whole"));
    assert_eq!((&found, parts.tally()), (&pieces, whole.tally()));
    let bytes = |piece: &Piece| match piece {
        Piece::Pass(event) | Piece::Usage(event) | Piece::End(event) => event.clone(),
    };
    let mut out: Vec<u8> = pieces.iter().flat_map(bytes).collect();
    out.extend(whole.rest());
    assert_eq!(out, text);
});
