//! A storm: a thousand payments against one limit from all clients at once, of which exactly so many may succeed.

use super::history::{Broken, History};
use super::rule::{amount, code};
use crate::seed::Chance;
use crate::world::World;
use ::book::*;
use evidence::Hash;
use std::collections::BTreeSet;

/// How many payments are tried.
const PAYMENTS: u64 = 1_000;

/// Payments that are tried, and how many of them the limit allows.
#[derive(Debug)]
pub(super) struct Storm {
    pub(super) payments: Vec<Command>,
    allowed: usize,
    /// Everything that belongs to the storm.
    ids: BTreeSet<Id>,
    mandate: MandateId,
    owner: KeyHolder,
    subjects: [Subject; 5],
}

/// Makes an owner with a wallet, an agent, a mandate with one limit, and the payments: requests in the order they need.
pub(super) fn brew(world: &World, now: Time, chance: &mut Chance) -> (Vec<Command>, Storm) {
    let mut id = || Id::new(now, chance.bytes());
    let [owner, wallet, agent, mandate, payee] = [(); 5].map(|()| id());
    let [owner_key, agent_key, payee_key] = [(); 3].map(|()| KeyId(id()));
    let public_key = PublicKeyBytes::Ed25519([7; 32]);
    let asset = code(super::rule::COARSE);
    let operator = world.operator();
    let owning = Actor::Owner { owner: OwnerId(owner), key: owner_key, presence: Presence::Fresh };

    let each = chance.between(1, 50);
    let allowed = chance.below(PAYMENTS);
    // What does not suffice for one more payment allows none.
    let max = amount(u128::from(allowed * each + chance.below(each)));
    let window = Window::Rolling { seconds: 86_400 };
    let limit = match chance.below(4) {
        0 => Limit::Total { max },
        1 => Limit::Uses { max: allowed },
        2 => Limit::Window { window, max },
        _ => Limit::Velocity { window, max: allowed as u32 },
    };
    let register = RegisterPayee {
        owner: None,
        asset,
        category: code("food"),
        provenance: Provenance::Registry,
        fee: PartsPerMillion::default(),
        key: Some((payee_key, public_key)),
    };
    let grant = GrantMandate {
        wallet: WalletId(wallet),
        agent: AgentId(agent),
        valid_from: Time(0),
        expires_at: Time::MAX,
        limits: vec![limit],
        document: Hash([0; 32]),
        carry: Carry::Inherit,
    };
    let fill = Transfer {
        from: Account::World,
        to: Account::Wallet(WalletId(wallet)),
        amount: amount(u128::from(PAYMENTS * each)),
        asset,
    };
    let enrol = EnrolAgent { wallet: WalletId(wallet), limits: Vec::new(), key: agent_key, public_key };
    let open = OpenWallet { owner: OwnerId(owner), asset, limits: Vec::new() };
    let command = |id, by, action| Command { id, by, action };
    let fill_id = Id::new(now, chance.bytes());
    let before = vec![
        command(owner, operator, Action::RegisterOwner(RegisterOwner { key: owner_key, public_key })),
        command(payee, operator, Action::RegisterPayee(register)),
        command(wallet, owning, Action::OpenWallet(open)),
        command(agent, owning, Action::EnrolAgent(enrol)),
        command(mandate, owning, Action::GrantMandate(grant)),
        command(fill_id, operator, Action::Transfer(fill)),
    ];
    let purchase = Purchase {
        wallet: WalletId(wallet),
        mandate: Some(MandateId(mandate)),
        to: Payees::One(PayeeId(payee)),
        amount: amount(u128::from(each)),
        asset,
        category: None,
        reference: None,
        approval: None,
    };
    let by = Actor::Agent { agent: AgentId(agent), key: agent_key };
    let pay = |_| {
        let action = Action::Pay(Pay { purchase: purchase.clone() });
        Command { id: Id::new(now, chance.bytes()), by, action }
    };
    let payments: Vec<Command> = (0..PAYMENTS).map(pay).collect();
    let ids = before.iter().chain(&payments).map(|command| command.id).collect();
    let subjects = [
        Subject::Owner(OwnerId(owner)),
        Subject::Wallet(WalletId(wallet)),
        Subject::Agent(AgentId(agent)),
        Subject::Mandate(MandateId(mandate)),
        Subject::Payee(PayeeId(payee)),
    ];
    let (mandate, owner) = (MandateId(mandate), KeyHolder::Owner(OwnerId(owner)));
    (before, Storm { payments, allowed: allowed as usize, ids, mandate, owner, subjects })
}

impl Storm {
    /// Whether exactly as many were paid as the limit allows, and every other was denied.
    pub(super) fn check(&self, history: &History) -> Result<(), Broken> {
        let outcomes = || self.payments.iter().filter_map(|payment| history.entry(payment.id));
        let answered = outcomes().count();
        if answered != self.payments.len() {
            let undecided = self.payments.iter().find(|payment| history.entry(payment.id).is_none());
            let rejection = undecided.and_then(|payment| history.rejections.get(&payment.id));
            let all = self.payments.len();
            return Err(format!(
                "I10: of {all} payments only {answered} were decided; another: {rejection:?}"
            ));
        }
        let paid = outcomes().filter(|entry| matches!(entry.outcome, Outcome::Paid(_))).count();
        // Other clients know its people, too; what they change or spend is judged by the auditor alone.
        let is_alone = !history.has_other_hands(self.mandate, self.owner, &self.subjects, &self.ids);
        if is_alone && paid != self.allowed {
            return Err(format!("I3: {paid} payments were made where a limit allows {}", self.allowed));
        }
        Ok(())
    }
}
