//! Commands of the book as rows: the one place that knows both.

use super::limits::code;
use super::names::{Names, Thing, public_key, time_option};
use super::words::{self, Words};
use book::{
    Account, Action, Actor, AgentId, Approve, ApproveAlike, Capture, Carry, Charge, CloseMeter, CloseWallet,
    Command, Delegate, Dispute, EnrolAgent, EnrolKey, Expire, Freeze, GrantMandate, HoldId, KeyHolder, KeyId,
    LimitSubject, MandateId, MeterId, NanosPerUnit, Observe, OpenBook, OpenChannel, OpenMeter,
    OpenSubAccount, OpenWallet, OwnerId, PartsPerMillion, Pay, PayeeId, Payees, PlaceEscrow, PlaceHold,
    Present, Provenance, Purchase, Redeem, Refund, Refuse, RegisterAsset, RegisterOwner, RegisterPayee,
    Revoke, RevokeKey, Rounding, SetLimits, Share, Split, Subject, Time, Transfer, Unfreeze, Void, WalletId,
};
use evidence::Hash;

/// A command and the verdict a row without one expects.
pub(super) type Asked = (Command, &'static str);

impl Names {
    /// What a row asks for. Takes its words, all but the verdict.
    pub(super) fn commands(
        &mut self,
        verb: &str,
        words: &mut Words,
        now: Time,
    ) -> Result<Vec<Asked>, String> {
        match verb {
            "book" | "asset" | "owner" | "payee" => self.registration(verb, words, now),
            "wallet" | "sub" | "agent" | "mandate" | "delegate" | "set-limits" => {
                self.permission(verb, words, now)
            }
            "pay" | "hold" | "escrow" | "meter" | "channel" => self.spending(verb, words, now),
            "capture" | "void" | "expire" | "redeem" | "charge" | "close" | "refund" | "dispute" => {
                self.sequel(verb, words, now)
            }
            "close-wallet" | "transfer" => self.own_money(verb, words, now),
            "freeze" | "unfreeze" | "revoke" => self.stop(verb, words, now),
            "approve" | "refuse" => self.answer(verb, words, now),
            "observe" => self.observe(words, now),
            "grant-quota" | "deduct" | "restore" | "allot" | "reclaim" => self.prepaid(verb, words, now),
            "claim" => self.claim(words, now),
            "invoice" | "credit-note" => self.billed(verb, words, now),
            "subscribe" | "change-plan" | "cancel" | "renew" => self.subscription(verb, words, now),
            "link" | "pay-link" | "close-link" => self.links(verb, words, now),
            "destination" | "payout" | "sent" | "arrived" | "bounced" => self.payouts(verb, words, now),
            "enrol-key" | "revoke-key" | "present" => self.keys(verb, words, now),
            _ => Err(format!("`{verb}` begins no row")),
        }
    }

    fn registration(&mut self, verb: &str, words: &mut Words, now: Time) -> Result<Vec<Asked>, String> {
        let (id, action) = match verb {
            "book" => {
                self.set("OP", Thing::Operator);
                let key = self.key("OP", now);
                let retention = words.option("retention").unwrap_or("400d".to_owned());
                let open = OpenBook {
                    test: words.flag("test"),
                    retention_seconds: words::nanos(&retention)? / 1_000_000_000,
                    key,
                    public_key: public_key(key),
                };
                (self.request(words, now), Action::OpenBook(open))
            }
            "asset" => {
                let text = words.next("an asset")?;
                let (text, scale) = text.split_once('/').ok_or("an asset is `CNY/2`")?;
                let code = code(text)?;
                self.asset.get_or_insert(code);
                let scale = words::number(scale)?;
                let asset = RegisterAsset { code, scale };
                (self.request(words, now), Action::RegisterAsset(asset))
            }
            "owner" => {
                let name = words.next("a name")?;
                self.set(&name, Thing::Owner);
                let key = match words.option("key") {
                    Some(key) => KeyId(self.name(&key, now)),
                    None => self.key(&name, now),
                };
                let public_key = public_key(key);
                let owner = RegisterOwner { key, public_key };
                (self.name(&name, now), Action::RegisterOwner(owner))
            }
            _ => {
                let name = words.next("a name")?;
                self.set(&name, Thing::Payee);
                let key = match words.option("key") {
                    Some(key) => KeyId(self.name(&key, now)),
                    None => self.key(&name, now),
                };
                let payee = RegisterPayee {
                    owner: words.option("owner").map(|owner| OwnerId(self.name(&owner, now))),
                    asset: self.asset_option(words, self.first_asset()?)?,
                    provenance: match words.option("known-from").as_deref() {
                        None | Some("registry") => Provenance::Registry,
                        Some("merchant") => Provenance::Merchant,
                        Some("owner") => Provenance::Owner,
                        Some("agent") => Provenance::Agent,
                        Some("document") => Provenance::Untrusted,
                        Some(other) => return Err(format!("nobody is known from `{other}`")),
                    },
                    fee: match words.option("fee") {
                        None => PartsPerMillion::default(),
                        Some(fee) => PartsPerMillion::new(words::number(&fee)?).ok_or("a fee above all")?,
                    },
                    key: (!words.flag("keyless")).then(|| (key, public_key(key))),
                    category: code(&words.next("a category")?)?,
                };
                (self.name(&name, now), Action::RegisterPayee(payee))
            }
        };
        let by = self.actor(words, "OP", now)?;
        Ok(vec![(Command { id, by, action }, "done")])
    }

    fn permission(&mut self, verb: &str, words: &mut Words, now: Time) -> Result<Vec<Asked>, String> {
        let limits = words.split_off_limits();
        let limits = self.limits(limits, now)?;
        let name = words.next("a name")?;
        // Whoever lets more through is there, unless a row says otherwise.
        let (is_there, is_absent) = (words.flag("fresh"), words.flag("session"));
        if is_there || !is_absent && !matches!(verb, "wallet" | "sub") {
            words.add("fresh");
        }
        if verb == "set-limits" {
            return self.set_limits(&name, limits, words, now);
        }
        let of = words.next("whose")?;
        match verb {
            "wallet" => {
                let asset = self.asset_option(words, self.first_asset()?)?;
                self.set(&name, Thing::Wallet { owner: of.clone(), asset });
                let owner = OwnerId(self.name(&of, now));
                let by = self.actor(words, &of, now)?;
                let id = self.name(&name, now);
                let action = Action::OpenWallet(OpenWallet { owner, asset, limits });
                let mut asked = vec![(Command { id, by, action }, "done")];
                if let Ok(word) = words.next("an amount")
                    && word != "0"
                {
                    let amount = words::amount(&word)?;
                    let (from, to) = (Account::World, Account::Wallet(WalletId(id)));
                    let action = Action::Transfer(Transfer { from, to, amount, asset });
                    let id = self.request(words, now);
                    let by = self.actor(&mut Words::new(""), "OP", now)?;
                    asked.push((Command { id, by, action }, "done"));
                }
                Ok(asked)
            }
            "sub" => {
                let owner = self.speaker(&of);
                let asset = self.asset_of(&of)?;
                let agent = AgentId(self.name(&words.next("an agent")?, now));
                self.set(&name, Thing::Wallet { owner: owner.clone(), asset });
                let wallet = WalletId(self.name(&of, now));
                let sub = OpenSubAccount { wallet, agent, limits };
                self.one(&name, &owner, Action::OpenSubAccount(sub), words, now)
            }
            "agent" => {
                let owner = self.speaker(&of);
                self.set(&name, Thing::Agent { owner: owner.clone() });
                let key = match words.option("key") {
                    Some(key) => KeyId(self.name(&key, now)),
                    None => self.key(&name, now),
                };
                let agent = EnrolAgent {
                    wallet: WalletId(self.name(&of, now)),
                    limits,
                    key,
                    public_key: public_key(key),
                };
                self.one(&name, &owner, Action::EnrolAgent(agent), words, now)
            }
            "delegate" => {
                let owner = self.speaker(&of);
                self.set(&name, Thing::Mandate { owner: owner.clone() });
                let delegate = Delegate {
                    parent: MandateId(self.name(&of, now)),
                    agent: AgentId(self.name(&words.next("an agent")?, now)),
                    valid_from: time_option(words, "from", "+0s", now)?,
                    expires_at: time_option(words, "until", "+1d", now)?,
                    limits,
                    document: Hash::of(name.as_bytes()),
                };
                self.one(&name, &owner, Action::Delegate(delegate), words, now)
            }
            _ => {
                let owner = self.speaker(&of);
                self.set(&name, Thing::Mandate { owner: owner.clone() });
                let mandate = GrantMandate {
                    wallet: WalletId(self.name(&of, now)),
                    agent: AgentId(self.name(&words.next("an agent")?, now)),
                    valid_from: time_option(words, "from", "+0s", now)?,
                    expires_at: time_option(words, "until", "+30d", now)?,
                    limits,
                    document: Hash::of(name.as_bytes()),
                    carry: if words.flag("reset") { Carry::Reset } else { Carry::Inherit },
                };
                self.one(&name, &owner, Action::GrantMandate(mandate), words, now)
            }
        }
    }

    fn set_limits(
        &mut self,
        name: &str,
        limits: Vec<book::Limit>,
        words: &mut Words,
        now: Time,
    ) -> Result<Vec<Asked>, String> {
        let id = self.name(name, now);
        let subject = match self.thing(name) {
            Some(Thing::Wallet { .. }) => LimitSubject::Wallet(WalletId(id)),
            Some(Thing::Agent { .. }) => LimitSubject::Agent(AgentId(id)),
            Some(Thing::Mandate { .. }) => LimitSubject::Mandate(MandateId(id)),
            _ => return Err(format!("`{name}` has no limits")),
        };
        let version = words.next("a version")?;
        let version = version.strip_prefix('v').ok_or("a version is `v1`")?;
        let action = Action::SetLimits(SetLimits {
            subject,
            version: words::number(version)?,
            limits,
            document: Hash::of(b"new limits"),
        });
        self.request_by(&self.speaker(name), action, words, now, "done")
    }

    fn spending(&mut self, verb: &str, words: &mut Words, now: Time) -> Result<Vec<Asked>, String> {
        let (name, who) = (words.next("a name")?, words.next("who")?);
        let (wallet, payee) = words.wallet_and_payee()?;
        let owner = self.speaker(&wallet);
        self.set(&name, Thing::Purchase { owner, payee });
        let purchase = self.purchase(words, now)?;
        let expires_at = time_option(words, "until", "+7d", now);
        let (action, verdict) = match verb {
            "pay" => (Action::Pay(Pay { purchase }), "paid"),
            "hold" => {
                let expires_at = expires_at?;
                (Action::PlaceHold(PlaceHold { purchase, expires_at }), "held")
            }
            "escrow" => {
                let expires_at = expires_at?;
                (Action::PlaceEscrow(PlaceEscrow { purchase, expires_at }), "held")
            }
            "channel" => {
                let (rounding, voucher_key) = (rounding(words)?, self.voucher_key(&name, now));
                let expires_at = expires_at?;
                let channel = OpenChannel { purchase, expires_at, rounding, voucher_key };
                (Action::OpenChannel(channel), "held")
            }
            _ => {
                let rates = words.option("rates").unwrap_or("1000000000".to_owned());
                let rates = rates.split(',').filter(|rate| *rate != "none");
                let rounding = rounding(words)?;
                let meter = OpenMeter {
                    purchase,
                    expires_at: expires_at?,
                    rates: rates
                        .map(|rate| words::number(rate).map(NanosPerUnit))
                        .collect::<Result<_, _>>()?,
                    rounding,
                };
                (Action::OpenMeter(meter), "held")
            }
        };
        let by = self.actor(words, &who, now)?;
        let id = self.name(&name, now);
        Ok(vec![(Command { id, by, action }, verdict)])
    }

    /// `W1 D1 M1 60` or `W1 - M1=6,M2=4/10 60`, with its options.
    pub(super) fn purchase(&mut self, words: &mut Words, now: Time) -> Result<Purchase, String> {
        let wallet = words.next("a wallet")?;
        let asset = self.asset_option(words, self.asset_of(&wallet)?)?;
        let mandate = words.next("a mandate, or `-`")?;
        let to = words.next("a payee")?;
        let category = words.option("category").map(|text| code(&text)).transpose()?;
        Ok(Purchase {
            wallet: WalletId(self.name(&wallet, now)),
            mandate: (mandate != "-").then(|| MandateId(self.name(&mandate, now))),
            to: self.payees_of(&to, now)?,
            amount: words::amount(&words.next("an amount")?)?,
            asset,
            category,
            reference: words.option("ref").map(|text| Hash::of(text.as_bytes())),
            approval: words.option("approval").map(|name| self.name(&name, now)),
        })
    }

    pub(super) fn payees_of(&mut self, text: &str, now: Time) -> Result<Payees, String> {
        if !text.contains('=') {
            return Ok(Payees::One(PayeeId(self.name(text, now))));
        }
        let (list, whole) = text.split_once('/').map_or((text, None), |(list, whole)| (list, Some(whole)));
        let mut shares = Vec::new();
        for share in list.split(',').filter(|share| *share != "=") {
            let (name, weight) = share.split_once('=').ok_or("a share is `M1=60`")?;
            shares.push(Share { payee: PayeeId(self.name(name, now)), weight: words::number(weight)? });
        }
        let whole = match whole {
            Some(whole) => words::number(whole)?,
            None => shares.iter().map(|share| share.weight).sum(),
        };
        Ok(Payees::Split(Split { whole, shares }))
    }

    fn sequel(&mut self, verb: &str, words: &mut Words, now: Time) -> Result<Vec<Asked>, String> {
        if verb == "refund" {
            let name = words.next("a name")?;
            let payment = words.next("a payment")?;
            let amount = words::amount(&words.next("an amount")?)?;
            let seller = self.seller(&payment);
            let action = Action::Refund(Refund { payment: self.name(&payment, now), amount });
            let id = self.name(&name, now);
            let by = self.actor(words, &seller, now)?;
            return Ok(vec![(Command { id, by, action }, "refunded")]);
        }
        let of = words.next("of what")?;
        let id = self.name(&of, now);
        let (hold, meter) = (HoldId(id), MeterId(id));
        let seller = self.seller(&of);
        let (action, verdict) = match verb {
            "capture" => {
                let amount = words::amount(&words.next("an amount")?)?;
                let last = words.flag("last");
                (Action::Capture(Capture { hold, amount, last }), "captured")
            }
            "void" => (Action::Void(Void { hold }), "released"),
            "dispute" => {
                let (action, buyer) = (Action::Dispute(Dispute { hold }), self.speaker(&of));
                return self.request_by(&buyer, action, words, now, "done");
            }
            "redeem" => {
                let delivery = Hash::of(words.next("what is delivered")?.as_bytes());
                (Action::Redeem(Redeem { hold, delivery }), "done")
            }
            "charge" => {
                let sequence = words.next("a number")?;
                let sequence = words::number(sequence.strip_prefix('#').ok_or("a charge is `#1`")?)?;
                let units = words.next("units")?;
                let units = match units.split_once('^') {
                    Some((units, times)) => vec![words::number(units)?; words::number(times)?],
                    None => units.split(',').map(words::number).collect::<Result<_, _>>()?,
                };
                let charge = Charge { meter, sequence, units };
                (Action::Charge(charge), "charged")
            }
            "close" => (Action::CloseMeter(CloseMeter { meter }), "settled"),
            _ => {
                let by = self.actor(words, "nobody", now)?;
                let id = if by == Actor::Book { id } else { self.request(words, now) };
                let action = Action::Expire(Expire { hold });
                return Ok(vec![(Command { id, by, action }, "released")]);
            }
        };
        self.request_by(&seller, action, words, now, verdict)
    }

    fn own_money(&mut self, verb: &str, words: &mut Words, now: Time) -> Result<Vec<Asked>, String> {
        let name = words.next("a name")?;
        if verb == "close-wallet" {
            let wallet = WalletId(self.name(&name, now));
            let action = Action::CloseWallet(CloseWallet { wallet });
            return self.request_by(&self.speaker(&name), action, words, now, "done");
        }
        let (from, to) = (words.next("whence")?, words.next("whither")?);
        let speaker = match from.as_str() {
            "world" | "fees" => "OP".to_owned(),
            from => self.speaker(from),
        };
        let default = if from == "world" { self.asset_of(&to)? } else { self.asset_of(&from)? };
        let transfer = Transfer {
            from: self.account(&from, now),
            to: self.account(&to, now),
            amount: words::amount(&words.next("an amount")?)?,
            asset: self.asset_option(words, default)?,
        };
        self.one(&name, &speaker, Action::Transfer(transfer), words, now)
    }

    fn stop(&mut self, verb: &str, words: &mut Words, now: Time) -> Result<Vec<Asked>, String> {
        let name = words.next("what")?;
        let id = self.name(&name, now);
        let subject = match self.thing(&name) {
            Some(Thing::Owner) => Subject::Owner(OwnerId(id)),
            Some(Thing::Wallet { .. }) => Subject::Wallet(WalletId(id)),
            Some(Thing::Agent { .. }) => Subject::Agent(AgentId(id)),
            Some(Thing::Mandate { .. }) => Subject::Mandate(MandateId(id)),
            Some(Thing::Payee) => Subject::Payee(PayeeId(id)),
            Some(
                Thing::Operator
                | Thing::Purchase { .. }
                | Thing::Quota { .. }
                | Thing::Subscription { .. }
                | Thing::Link { .. },
            )
            | None => {
                return Err(format!("`{name}` cannot be stopped"));
            }
        };
        let action = match verb {
            "freeze" => Action::Freeze(Freeze { subject }),
            "unfreeze" => Action::Unfreeze(Unfreeze { subject }),
            _ => Action::Revoke(Revoke { subject }),
        };
        self.request_by(&self.speaker(&name), action, words, now, "done")
    }

    fn answer(&mut self, verb: &str, words: &mut Words, now: Time) -> Result<Vec<Asked>, String> {
        let name = words.next("a question")?;
        let question = self.name(&name, now);
        let action = if verb == "refuse" {
            Action::Refuse(Refuse { question })
        } else {
            // `digest P2`: the owner was shown another question.
            let shown = words.option("digest").unwrap_or_else(|| name.clone());
            let shown = self.name(&shown, now);
            let digest = self.questions.get(&shown).copied();
            let digest = digest.unwrap_or(Hash::EMPTY_TREE);
            let until = time_option(words, "until", "+1h", now)?;
            if words.flag("alike") {
                Action::ApproveAlike(ApproveAlike { question, digest, until })
            } else {
                Action::Approve(Approve { question, digest, until })
            }
        };
        self.request_by(&self.speaker(&name), action, words, now, "done")
    }

    /// `observe M1 tv 700000 stock 3`: what a seller says of a price.
    fn observe(&mut self, words: &mut Words, now: Time) -> Result<Vec<Asked>, String> {
        let name = words.next("a payee")?;
        let item = Hash::of(words.next("an item")?.as_bytes());
        let price = words::amount(&words.next("an amount")?)?;
        let asset = self.asset_option(words, self.first_asset()?)?;
        let stock = words.option("stock").map_or(Ok(1), |stock| words::number(&stock))?;
        let action = Action::Observe(Observe { item, price, asset, stock });
        self.request_by(&name, action, words, now, "done")
    }

    fn keys(&mut self, verb: &str, words: &mut Words, now: Time) -> Result<Vec<Asked>, String> {
        let word = words.next("a key or a nonce")?;
        match verb {
            "enrol-key" => {
                let holder = words.next("for whom")?;
                let id = self.name(&holder, now);
                let speaker = self.speaker(&holder);
                let holder = match self.thing(&holder) {
                    Some(Thing::Operator) => KeyHolder::Operator,
                    Some(Thing::Owner) => KeyHolder::Owner(OwnerId(id)),
                    Some(Thing::Agent { .. }) => KeyHolder::Agent(AgentId(id)),
                    Some(Thing::Payee) => KeyHolder::Payee(PayeeId(id)),
                    _ => return Err(format!("`{holder}` has no keys")),
                };
                let public_key = public_key(KeyId(self.name(&word, now)));
                let action = Action::EnrolKey(EnrolKey { holder, public_key });
                self.one(&word, &speaker, action, words, now)
            }
            "revoke-key" => {
                let key = KeyId(self.name(&word, now));
                let speaker = word.strip_suffix(".key").unwrap_or("OP");
                let speaker = self.speaker(speaker);
                self.request_by(&speaker, Action::RevokeKey(RevokeKey { key }), words, now, "done")
            }
            _ => {
                // `present +5us`: a nonce is a number of microseconds, near the time of the request.
                let nonce = words::time(&word, now)?.0 / 1_000;
                let request = Hash::of(word.as_bytes());
                self.request_by("OP", Action::Present(Present { nonce, request }), words, now, "done")
            }
        }
    }

    /// A command whose id is the name of what it makes.
    fn one(
        &mut self,
        name: &str,
        by: &str,
        action: Action,
        words: &mut Words,
        now: Time,
    ) -> Result<Vec<Asked>, String> {
        let by = self.actor(words, by, now)?;
        let id = self.name(name, now);
        Ok(vec![(Command { id, by, action }, "done")])
    }

    /// A command whose id names nothing.
    fn request_by(
        &mut self,
        by: &str,
        action: Action,
        words: &mut Words,
        now: Time,
        verdict: &'static str,
    ) -> Result<Vec<Asked>, String> {
        let id = self.request(words, now);
        let by = self.actor(words, by, now)?;
        Ok(vec![(Command { id, by, action }, verdict)])
    }
}

/// `round up` anywhere in the row.
fn rounding(words: &mut Words) -> Result<Rounding, String> {
    match words.option("round").as_deref() {
        None | Some("down") => Ok(Rounding::Down),
        Some("half-up") => Ok(Rounding::HalfUp),
        Some("up") => Ok(Rounding::Up),
        Some(other) => Err(format!("nothing rounds `{other}`")),
    }
}
