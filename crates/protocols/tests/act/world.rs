//! One principal, one agent, one shop and one payment service, with fixed keys and a clock that is an argument.

use book::Time;
use evidence::{PublicKey, SigningKey};
use protocols::act::iac::{
    IacKey, IacReferences, Risk, Selection, SourceDigest, UnsignedIac, VerifiedIac, verify,
};
use protocols::act::intent::{Answer, ConfirmedIsr, Draft, InputModes, IntentStructuringResult};
use protocols::act::lifecycle::{NotUsable, Standing};
use protocols::act::psd::{
    AutonomousRequest, Binding, BindingRequest, DelegatedRequest, Identified, InstantRequest, IntentFit,
    OrderFacts, PaymentClaim, PaymentFacts, RiskVerdict, SubAccount, SubAccountFacts, SubAccountKey, Tool,
    ToolClaim, sign,
};
use protocols::act::{
    AmountNumber, AmountText, Currency, Identifier, Keyring, Sentence, SignatureText, UtcTime, Word,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const ANA: &str = "did:act:example.test/user-ana";
pub(crate) const AGENT: &str = "did:act:example.test/agent-ana-01";
pub(crate) const SHOP: &str = "did:act:example.test/shop-7";
pub(crate) const WALLET: &str = "urn:act:payment:demo-wallet";
pub(crate) const DELEGATION: &str = "urn:uuid:5c0f2c9e-2f7a-4a0e-9a51-0d4e3b1c7a01";
pub(crate) const KEY_ID: &str = "did:act:example.test/user-ana#key-1";

pub(crate) fn id(text: &str) -> Identifier {
    Identifier::parse(text).unwrap()
}

pub(crate) fn utc(text: &str) -> UtcTime {
    UtcTime::parse(text).unwrap()
}

pub(crate) fn at(text: &str) -> Time {
    utc(text).time()
}

/// The moment at which everything happens unless a test says otherwise.
pub(crate) fn now() -> Time {
    at("2026-09-02T03:10:05Z")
}

pub(crate) fn amount(text: &str) -> AmountNumber {
    AmountNumber::parse(text).unwrap()
}

pub(crate) fn word(text: &str) -> Word {
    Word::parse(text).unwrap()
}

/// What Ana's words became, before she confirmed.
pub(crate) fn isr_json(mode: &str) -> Value {
    json!({
        "intent_id": "urn:uuid:0b7f7b54-64b1-4b57-8c6e-7d5f6e0a9d02",
        "conversation_history": {"user_intent_raw": "Spend up to 300 yuan this week on map data",
            "input_mode": ["TEXT"]},
        "delegation_mode": mode,
        "validity_start_time": "2026-09-01T00:00:00Z",
        "validity_end_time": "2026-09-08T00:00:00Z",
        "max_total_amount": 300.00,
        "currency": "CNY",
        "allowed_payment_methods": [WALLET],
        "agent_id": AGENT,
        "ext": {
            "commerce": {"max_single_amount": 120.50, "allowed_categories": ["data/api"],
                "forbidden_merchants": ["did:act:example.test/merchant-bad"]},
            "agent_behavior": {"price_deviation_tolerance": 5, "price_deviation_action": "PAUSE_AND_NOTIFY",
                "on_payment_failure": "CANCEL", "max_retry_count": 0},
        },
    })
}

/// A value with the member at `path` set, or taken away where there is no new value.
pub(crate) fn with(mut value: Value, path: &[&str], new: Option<Value>) -> Value {
    let (name, above) = path.split_last().unwrap();
    let object = above.iter().fold(&mut value, |value, step| &mut value[*step]).as_object_mut().unwrap();
    match new {
        Some(new) => object.insert((*name).to_owned(), new),
        None => object.remove(*name),
    };
    value
}

pub(crate) fn isr(value: &Value) -> IntentStructuringResult {
    IntentStructuringResult::read(value.to_string().as_bytes(), &InputModes::default()).unwrap()
}

pub(crate) fn draft(value: &Value) -> Draft {
    Draft::of(isr(value), &InputModes::default()).unwrap()
}

pub(crate) fn answer(draft: &Draft) -> Answer {
    Answer {
        to: draft.summary().unwrap().of,
        user_confirmation_method: word("FINGERPRINT"),
        user_confirmation_timestamp: utc("2026-08-31T23:58:00Z"),
    }
}

pub(crate) fn confirmed(value: &Value) -> ConfirmedIsr {
    let draft = draft(value);
    let answer = answer(&draft);
    draft.confirm(answer).unwrap()
}

pub(crate) fn iac_key() -> IacKey {
    IacKey::new(id(KEY_ID), id(ANA), SigningKey::es256(&[0x21; 32]).unwrap()).unwrap()
}

pub(crate) fn iac_keys() -> Keyring {
    let mut keys = Keyring::default();
    keys.trust(id(KEY_ID), id(ANA), iac_key().public().clone());
    keys
}

pub(crate) fn agent_key() -> SigningKey {
    SigningKey::es256(&[0x22; 32]).unwrap()
}

pub(crate) fn subaccount_key() -> SigningKey {
    SigningKey::ed25519(&[0x23; 32])
}

pub(crate) fn selection() -> Selection {
    Selection {
        delegation_id: id(DELEGATION),
        delegator_identity: id(ANA),
        source_isr_digest: SourceDigest::Omit,
    }
}

/// The credential of an intent, issued the moment it was confirmed.
pub(crate) fn issue(intent: &Value) -> String {
    let unsigned = UnsignedIac::select(&confirmed(intent), selection());
    let references = IacReferences::default();
    iac_key().issue(&unsigned, &references, Risk::Ordinary, at("2026-08-31T23:58:00Z")).unwrap()
}

pub(crate) fn verified(intent: &Value) -> VerifiedIac {
    verify(&issue(intent), &iac_keys(), now()).unwrap()
}

pub(crate) fn binding_request() -> BindingRequest {
    let request = json!({
        "request_id": "req-bind-1", "principal_id": ANA, "agent_id": AGENT,
        "payment_account_ref": "urn:act:payment:demo-wallet:acct-****0007",
        "token_constraints": {"max_amount_per_transaction": 200.00,
            "validity_period": {"start_time": "2026-09-01T00:00:00Z", "end_time": "2026-12-01T00:00:00Z"}},
        "authentication_method": "PASSWORD", "timestamp": "2026-09-01T00:00:00Z",
    });
    BindingRequest::from_json(request.to_string().as_bytes()).unwrap()
}

pub(crate) fn binding() -> Binding {
    let token = id("tk_demo_1");
    binding_request().bind(Identified::PrincipalAndAgent, token, at("2026-09-01T00:00:03Z")).unwrap()
}

pub(crate) fn account_json() -> Value {
    json!({
        "subaccount_id": "SA-1", "principal_id": ANA, "agent_id": AGENT,
        "balance": "300.00", "frozen_amount": "20.00", "available_balance": "280.00",
        "currency": "CNY", "status": "ACTIVE", "created_at": "2026-09-01T00:10:00Z",
        "key_reference": {"key_id": "key-sa-1", "key_type": "ASYMMETRIC",
            "public_key_id": "did:act:example.test/agent-ana-01#key-2"},
        "risk_limits": {"max_single_transaction": "120.50", "daily_transaction_limit": "200.00",
            "transaction_count_limit": 20},
        "psp_id": "urn:act:psp:demo",
    })
}

pub(crate) fn account(value: &Value) -> SubAccount {
    SubAccount::from_json(value.to_string().as_bytes()).unwrap()
}

pub(crate) fn subaccount(value: &Value) -> Tool {
    let key = SubAccountKey::Asymmetric(subaccount_key().public().clone());
    Tool::SubAccount(Box::new(SubAccountFacts { account: account(value), key }))
}

pub(crate) fn instant_json() -> Value {
    json!({
        "request_id": "req-7c1d", "merchant_order_id": "M-1003", "payment_token": "tk_demo_1",
        "amount": "99.00", "currency": "CNY", "timestamp": "2026-09-02T03:10:00Z",
        "buyer_agent_id": AGENT, "signature": "AA",
    })
}

pub(crate) fn instant(value: &Value) -> InstantRequest {
    sign(InstantRequest::from_json(value.to_string().as_bytes()).unwrap(), &agent_key())
}

pub(crate) fn delegated_json() -> Value {
    json!({
        "request_id": "req-91aa", "buyer_agent_id": AGENT, "delegation_id": DELEGATION,
        "iac": issue(&isr_json("SPECIFIED")), "merchant_id": SHOP, "merchant_order_id": "M-1003",
        "amount": "99.00", "currency": "CNY", "payment_method": WALLET, "payment_token": "tk_demo_1",
        "timestamp": "2026-09-02T03:10:00Z", "signature": "AA",
    })
}

pub(crate) fn delegated(value: &Value) -> DelegatedRequest {
    sign(DelegatedRequest::from_json(value.to_string().as_bytes()).unwrap(), &agent_key())
}

/// A payment of level 3 from the sub-account.
pub(crate) fn autonomous_json() -> Value {
    json!({
        "request_id": "req-aup-1", "buyer_agent_id": AGENT, "delegation_id": DELEGATION,
        "iac": issue(&isr_json("BOUNDED")), "out_trade_no": "ORD-77", "resource_id": "res-77",
        "merchant_id": SHOP, "amount": "0.10", "currency": "CNY", "payment_method": WALLET,
        "subaccount_id": "SA-1", "subaccount_proof": "AA", "timestamp": "2026-09-02T03:10:00Z",
        "signature": "AA",
    })
}

/// Signs a request of level 3, the proof of its sub-account included.
pub(crate) fn autonomous(value: &Value) -> AutonomousRequest {
    let mut request = AutonomousRequest::from_json(value.to_string().as_bytes()).unwrap();
    if let Some(account) = request.subaccount_id.clone() {
        let proof = request.claim().unwrap().proof_facts(&account).sign(&subaccount_key());
        request.subaccount_proof = Some(proof);
    }
    sign(request, &agent_key())
}

pub(crate) fn order(amount: &str) -> OrderFacts {
    OrderFacts {
        amount: AmountText::parse(amount).unwrap(),
        currency: Currency::parse("CNY").unwrap(),
        merchant_id: id(SHOP),
        payee_name: Sentence::parse("Shop Seven").unwrap(),
        categories: vec![id("data/api")],
        cart_snapshot_hash: None,
    }
}

pub(crate) fn signature(text: &str) -> SignatureText {
    SignatureText::parse(text).unwrap()
}

/// A payment service with one tool of each kind, two orders, and nothing spent.
pub(crate) struct World {
    pub(crate) used: BTreeSet<Identifier>,
    pub(crate) agent_keys: Vec<PublicKey>,
    pub(crate) iac_keys: Keyring,
    pub(crate) tools: BTreeMap<Identifier, Tool>,
    pub(crate) orders: BTreeMap<Identifier, OrderFacts>,
    pub(crate) standing: Result<Standing, NotUsable>,
    pub(crate) spent: AmountNumber,
    pub(crate) fit: IntentFit,
    pub(crate) account_covers: bool,
    pub(crate) risk: RiskVerdict,
}

pub(crate) fn world() -> World {
    World {
        used: BTreeSet::new(),
        agent_keys: vec![agent_key().public().clone()],
        iac_keys: iac_keys(),
        tools: [(id("tk_demo_1"), Tool::Binding(binding())), (id("SA-1"), subaccount(&account_json()))]
            .into(),
        orders: [(id("M-1003"), order("99.00")), (id("ORD-77"), order("0.10"))].into(),
        standing: Ok(Standing::Confirmed),
        spent: AmountNumber::ZERO,
        fit: IntentFit::Consistent,
        account_covers: true,
        risk: RiskVerdict::Accept,
    }
}

impl World {
    pub(crate) fn account_mut(&mut self) -> &mut SubAccount {
        match self.tools.get_mut(&id("SA-1")).unwrap() {
            Tool::SubAccount(facts) => &mut facts.account,
            Tool::Binding(_) => panic!("SA-1 is a sub-account"),
        }
    }

    pub(crate) fn binding_mut(&mut self) -> &mut Binding {
        match self.tools.get_mut(&id("tk_demo_1")).unwrap() {
            Tool::Binding(binding) => binding,
            Tool::SubAccount(_) => panic!("tk_demo_1 is a binding"),
        }
    }

    pub(crate) fn order_mut(&mut self, number: &str) -> &mut OrderFacts {
        self.orders.get_mut(&id(number)).unwrap()
    }
}

impl PaymentFacts for World {
    fn request_is_unused(&self, _agent_id: &Identifier, request_id: &Identifier) -> bool {
        !self.used.contains(request_id)
    }

    fn agent_keys(&self, agent_id: &Identifier) -> Vec<PublicKey> {
        if *agent_id == id(AGENT) { self.agent_keys.clone() } else { Vec::new() }
    }

    fn iac_keys(&self) -> &Keyring {
        &self.iac_keys
    }

    fn tool(&self, claim: &ToolClaim<'_>) -> Option<Tool> {
        match claim {
            ToolClaim::Token(token) => self.tools.get(token).cloned(),
            ToolClaim::SubAccount { subaccount_id, .. } => self.tools.get(subaccount_id).cloned(),
        }
    }

    fn order(&self, claim: &PaymentClaim<'_>) -> Option<OrderFacts> {
        self.orders.get(claim.order_no).cloned()
    }

    fn iac_standing(&self, _iac: &VerifiedIac, _now: Time) -> Result<Standing, NotUsable> {
        self.standing
    }

    fn spent_under(&self, _iac: &VerifiedIac) -> AmountNumber {
        self.spent
    }

    fn intent_fit(&self, _claim: &PaymentClaim<'_>, _order: &OrderFacts, _iac: &VerifiedIac) -> IntentFit {
        self.fit
    }

    fn account_covers(&self, _binding: &Binding, _amount: AmountNumber, _currency: &Currency) -> bool {
        self.account_covers
    }

    fn risk(&self, _claim: &PaymentClaim<'_>) -> RiskVerdict {
        self.risk
    }
}
