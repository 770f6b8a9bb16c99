//! Commerce: whatever a shop or an agent sends, what is read is written and read again as the same, and never panics.
#![no_main]

use protocols::Time;
use protocols::act::cid::capability::{CapabilityFile, Declaration, NegotiationRequest, NegotiationResponse};
use protocols::act::cid::cart::{CartConfirmation, CartRequest, OrderChange, OrderState, Snapshot};
use protocols::act::cid::catalogue::Catalogue;
use protocols::act::cid::precheck::latest;
use protocols::act::cid::transfer::{TransferRequest, TransferResponse};

fuzz::target!(|bytes: &[u8]| {
    if let Ok(request) = TransferRequest::read(bytes) {
        let again = TransferRequest::read(request.to_json().as_bytes()).expect("what was written is read");
        assert_eq!(again, request);
        let _conflicts = request.constraints.as_ref().map(|constraints| constraints.conflicts());
        let _whole = again.after(&request);
    }
    if let Ok(request) = CartRequest::read(bytes) {
        assert_eq!(CartRequest::read(request.to_json().as_bytes()).as_ref(), Ok(&request));
        if let Ok(confirmation) = CartConfirmation::from_json(bytes) {
            let _same = confirmation.confirms(&request);
        }
    }
    if let Ok(confirmation) = CartConfirmation::from_json(bytes) {
        let snapshot = confirmation.snapshot();
        let again = Snapshot::from_json(&snapshot.canonical()).expect("what was written is read");
        assert_eq!(again.hash(), snapshot.hash());
    }
    let _others = (
        Catalogue::from_json(bytes),
        TransferResponse::from_json(bytes),
        Declaration::from_json(bytes),
        CapabilityFile::from_json(bytes).map(|file| file.methods()),
        NegotiationRequest::read(bytes),
        NegotiationResponse::read(bytes),
        OrderChange::from_json(bytes),
        OrderState::from_json(bytes),
    );
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _latest = latest(text, Time(0));
    }
});
