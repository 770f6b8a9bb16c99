//! The routes of the API by name.

use crate::client::Client;
use crate::failure::{Answer, Failure};
use reqwest::Method;
use serde::de::DeserializeOwned;
use wire::a402::{
    A402Key, A402Payment, A402SellerKeys, A402Trade, A402Verification, NewA402Confirmation, NewA402Payment,
    NewA402Verification,
};
use wire::account::{
    Advance, Agent, Approve, Asset, ClockTime, EnrolKey, Mandate, NewAgent, NewAsset, NewMandate, NewOwner,
    NewPayee, NewSubAccount, NewTransfer, NewWallet, Payee, Question, SetLimits, Subject, Transfer, Wallet,
};
use wire::act::{AgentKeys, NewOrder, Order};
use wire::answer::Done;
use wire::ap2::{Ap2Approval, NewAp2Approval, NewOpenMandates, OpenMandates};
use wire::channel::{Channel, NewChannel, NewClaim};
use wire::entry::{Entry, Receipt};
use wire::hold::{Capture, Hold, NewCapture, NewHold, NewRedemption, Release};
use wire::invoice::{CreditNote, Invoice, Issued, NewCreditNote, NewInvoice};
use wire::link::{Link, LinkTerms, NewLink, NewLinkPayment};
use wire::list::Page;
use wire::meter::{Charge, ChargeResult, Meter, NewCharge, NewMeter, Settlement};
use wire::mpp::NewMppPayment;
use wire::payment::{NewRefund, Payment, PaymentState, Refund};
use wire::payout::{
    BankAccount, FailPayout, NewPayout, NewPayoutBatch, Payout, PayoutBatch, PayoutStanding, SettlePayout,
};
use wire::quota::{Deduction, DeductionResult, NewAllotment, NewDeduction, NewQuota, Quota, Units};
use wire::service::{NewService, Service, ServiceQuery};
use wire::session::Me;
use wire::subscription::{Access, NewSubscription, PlanChange, Subscription, SubscriptionTerm};
use wire::token::{
    DelegatedPayment, NewDelegatedPayment, NewDetokenization, NewTaking, NewUcpToken, TokenCredential,
    UcpToken,
};
use wire::unsigned::UnsignedPayment;
use wire::x402::NewX402Payment;
use wire::{
    AgentId, CreditNoteId, HoldId, InvoiceId, KeyId, LinkId, MandateId, MeterId, OrderId, PayeeId, PaymentId,
    PayoutBatchId, PayoutId, QuotaId, RequestId, ServiceId, SubscriptionId, WalletId,
};

/// Declares the reads: a path with at most one argument.
macro_rules! reads {
    ($($(#[$doc:meta])* $name:ident ( $($arg:ident : $kind:ty)? ) -> $answer:ty = $path:literal;)*) => {
        impl Client {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// [`Failure`].
            pub async fn $name(&self $(, $arg: $kind)?) -> Result<$answer, Failure> {
                self.get(&format!($path)).await
            }
        )*}
    };
}

/// Declares what is made under an id in its body.
macro_rules! makes {
    ($($(#[$doc:meta])* $name:ident ( $new:ty ) -> $answer:ty = $path:literal;)*) => {
        impl Client {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// [`Failure`].
            pub async fn $name(&self, new: &$new) -> Result<$answer, Failure> {
                self.make($path, new).await
            }
        )*}
    };
}

/// Declares changes that are named by `key`, with a body.
macro_rules! changes {
    ($($(#[$doc:meta])* $name:ident $([ $arg:ident : $kind:ty ])? ( $body:ty )
        -> $answer:ty = $method:ident $path:literal;)*) => {
        impl Client {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// [`Failure`].
            pub async fn $name(
                &self,
                key: RequestId,
                $($arg: $kind,)?
                body: &$body,
            ) -> Result<$answer, Failure> {
                self.change(Method::$method, &format!($path), key, body).await
            }
        )*}
    };
}

/// Nothing to say beside the address.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub(crate) struct Nothing {}

reads! {
    /// Who is asking.
    me() -> Me = "/v1/me";
    /// A wallet or sub-account.
    wallet(id: WalletId) -> Wallet = "/v1/wallets/{id}";
    /// A payee.
    payee(id: PayeeId) -> Payee = "/v1/payees/{id}";
    /// An agent.
    agent(id: AgentId) -> Agent = "/v1/agents/{id}";
    /// A mandate.
    mandate(id: MandateId) -> Mandate = "/v1/mandates/{id}";
    /// A payment as it stands.
    payment(id: PaymentId) -> PaymentState = "/v1/payments/{id}";
    /// A hold as it stands.
    hold(id: HoldId) -> PaymentState = "/v1/holds/{id}";
    /// A meter as it stands.
    meter(id: MeterId) -> PaymentState = "/v1/meters/{id}";
    /// A channel as it stands, with the key of its vouchers.
    channel(id: MeterId) -> Channel = "/v1/channels/{id}";
    /// A quota as it stands.
    quota(id: QuotaId) -> Quota = "/v1/quotas/{id}";
    /// A deduction, for whoever does not know whether it was taken.
    deduction(id: RequestId) -> Deduction = "/v1/deductions/{id}";
    /// A subscription as it stands.
    subscription(id: SubscriptionId) -> Subscription = "/v1/subscriptions/{id}";
    /// Whether a subscription may be used now: what a seller asks before it works.
    access(id: SubscriptionId) -> Access = "/v1/subscriptions/{id}/access";
    /// A payment link as it stands, for its seller.
    link(id: LinkId) -> Link = "/v1/links/{id}";
    /// The newest payment links of the seller that asks.
    links() -> Page<Link> = "/v1/links";
    /// What a payment link asks for.
    link_terms(id: LinkId) -> LinkTerms = "/v1/links/{id}/terms";
    /// What of a seller's money can be paid out, and whither.
    payout_standing(payee: PayeeId) -> PayoutStanding = "/v1/payees/{payee}/destination";
    /// A payout as it stands.
    payout(id: PayoutId) -> Payout = "/v1/payouts/{id}";
    /// Payouts that were handed to the bank together.
    payout_batch(id: PayoutBatchId) -> PayoutBatch = "/v1/payouts/batches/{id}";
    /// An entry of the journal.
    entry(seq: u64) -> Entry = "/v1/entries/{seq}";
    /// An entry with all that is needed to check it offline.
    receipt(seq: u64) -> Receipt = "/v1/entries/{seq}/receipt";
    /// An order as its seller confirmed it, with its payment once there is one.
    order(id: OrderId) -> Order = "/v1/orders/{id}";
    /// A trade of A402, by the number the payment service gave it.
    a402_trade(trade_no: HoldId) -> A402Trade = "/v1/a402/trades/{trade_no}";
    /// The services of a seller.
    services_of(payee: PayeeId) -> Page<Service> = "/v1/payees/{payee}/services";
    /// The key that signs credentials.
    a402_key() -> A402Key = "/v1/a402/key";
    /// The keys with which an agent signs ACT's messages.
    agent_keys(agent: AgentId) -> AgentKeys = "/v1/act/agents/{agent}/keys";
    /// The keys that sign a seller's demands.
    a402_seller_keys(payee: PayeeId) -> A402SellerKeys = "/v1/a402/sellers/{payee}";
}

makes! {
    /// Adds an asset.
    add_asset(NewAsset) -> Asset = "/v1/assets";
    /// Registers an owner.
    add_owner(NewOwner) -> Done = "/v1/owners";
    /// Adds a key.
    add_key(EnrolKey) -> Done = "/v1/keys";
    /// Opens a wallet.
    open_wallet(NewWallet) -> Done = "/v1/wallets";
    /// Registers a payee.
    add_payee(NewPayee) -> Done = "/v1/payees";
    /// Registers an agent.
    add_agent(NewAgent) -> Done = "/v1/agents";
    /// Grants a mandate.
    grant(NewMandate) -> Done = "/v1/mandates";
    /// Moves money between accounts.
    transfer(NewTransfer) -> Done = "/v1/transfers";
    /// Gives a wallet units of the seller's work.
    grant_quota(NewQuota) -> Done = "/v1/quotas";
    /// Opens a payment link.
    open_link(NewLink) -> Done = "/v1/links";
    /// Asks for a payout.
    request_payout(NewPayout) -> Done = "/v1/payouts";
    /// Takes the payouts that wait, to hand them to the bank together.
    send_payouts(NewPayoutBatch) -> PayoutBatch = "/v1/payouts/batches";
    /// Confirms an order, so that it can be paid by its number.
    confirm_order(NewOrder) -> Order = "/v1/orders";
    /// Offers a service on the market.
    offer_service(NewService) -> Service = "/v1/services";
    /// Gives back part or all of a payment.
    refund(NewRefund) -> Refund = "/v1/refunds";
    /// Puts the clock of a test book forward.
    advance_clock(Advance) -> ClockTime = "/v1/clock/advance";
}

changes! {
    /// Replaces the limits of a wallet.
    set_wallet_limits[id: WalletId](SetLimits) -> Done = PUT "/v1/wallets/{id}/limits";
    /// Replaces the limits of an agent.
    set_agent_limits[id: AgentId](SetLimits) -> Done = PUT "/v1/agents/{id}/limits";
    /// Replaces the limits of a mandate.
    set_mandate_limits[id: MandateId](SetLimits) -> Done = PUT "/v1/mandates/{id}/limits";
    /// Names the bank account that a seller's payouts go to.
    name_account[payee: PayeeId](BankAccount) -> Done = PUT "/v1/payees/{payee}/destination";
    /// Says that the bank has paid.
    settle_payout[payout: PayoutId](SettlePayout) -> Done = POST "/v1/payouts/{payout}/settle";
    /// Says that the bank has not paid and will not.
    fail_payout[payout: PayoutId](FailPayout) -> Done = POST "/v1/payouts/{payout}/fail";
    /// Stops something at once.
    freeze(Subject) -> Done = POST "/v1/freeze";
    /// Starts it again.
    unfreeze(Subject) -> Done = POST "/v1/unfreeze";
    /// Ends it for good.
    revoke(Subject) -> Done = POST "/v1/revoke";
    /// Claims what the latest voucher of a channel says.
    claim[channel: MeterId](NewClaim) -> Charge = POST "/v1/channels/{channel}/claim";
    /// Gives units of a deduction back.
    restore[deduction: RequestId](Units) -> Done = POST "/v1/deductions/{deduction}/restore";
    /// Moves units back to the quota above.
    reclaim[quota: QuotaId](Units) -> Done = POST "/v1/quotas/{quota}/reclaim";
    /// Moves held money to the payees.
    capture[hold: HoldId](NewCapture) -> Capture = POST "/v1/holds/{hold}/capture";
    /// Uses a hold up as proof of payment.
    redeem[hold: HoldId](NewRedemption) -> Done = POST "/v1/holds/{hold}/redeem";
    /// Asks whether a proof counts, and redeems it once.
    a402_verify(NewA402Verification) -> A402Verification = POST "/v1/a402/verify";
    /// Says how a delivery ended.
    a402_confirm(NewA402Confirmation) -> A402Trade = POST "/v1/a402/confirm";
}

impl Client {
    /// Finds services that are open, the best first.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn search_services(&self, asked: &ServiceQuery) -> Result<Page<Service>, Failure> {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let members = [
            ("query", asked.query.clone()),
            ("category", asked.category.clone()),
            ("max_price", asked.max_price.map(|amount| amount.to_string())),
            ("asset", asked.asset.map(|asset| asset.to_string())),
            ("limit", Some(asked.limit.to_string())),
            ("cursor", asked.cursor.clone()),
        ];
        for (name, value) in members {
            query.extend_pairs(value.map(|value| (name, value)));
        }
        self.get(&format!("/v1/services?{}", query.finish())).await
    }

    /// Takes a service off the market.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn withdraw_service(&self, key: RequestId, id: ServiceId) -> Result<Service, Failure> {
        let path = format!("/v1/services/{id}/withdraw");
        self.change(Method::POST, &path, key, &Nothing::default()).await
    }

    /// Opens a sub-account that one agent alone may spend from.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn open_sub_account(&self, wallet: WalletId, new: &NewSubAccount) -> Result<Done, Failure> {
        self.make(&format!("/v1/wallets/{wallet}/sub_accounts"), new).await
    }

    /// States a mandate in AP2's format, for an agent's key and one open checkout.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn open_mandates(
        &self,
        mandate: MandateId,
        new: &NewOpenMandates,
    ) -> Result<OpenMandates, Failure> {
        self.make(&format!("/v1/mandates/{mandate}/ap2"), new).await
    }

    /// Approves one checkout in person: the closed mandates of AP2, with the money set aside.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn approve_checkout(&self, new: &NewAp2Approval) -> Result<Ap2Approval, Failure> {
        self.make("/v1/ap2/approvals", new).await
    }

    /// Ends a key.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn revoke_key(&self, key: RequestId, id: KeyId) -> Result<Done, Failure> {
        let path = format!("/v1/keys/{id}/revoke");
        self.change(Method::POST, &path, key, &Nothing::default()).await
    }

    /// Closes a wallet.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn close_wallet(&self, key: RequestId, id: WalletId) -> Result<Done, Failure> {
        let path = format!("/v1/wallets/{id}/close");
        self.change(Method::POST, &path, key, &Nothing::default()).await
    }

    /// Gives back what a hold has left.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn void(&self, key: RequestId, hold: HoldId) -> Result<Release, Failure> {
        let path = format!("/v1/holds/{hold}/void");
        self.change(Method::POST, &path, key, &Nothing::default()).await
    }

    /// Says yes to a question.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn approve(&self, key: RequestId, question: &str, yes: &Approve) -> Result<Done, Failure> {
        let path = format!("/v1/questions/{question}/approve");
        self.change(Method::POST, &path, key, yes).await
    }

    /// Says no to a question.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn refuse(&self, key: RequestId, question: &str) -> Result<Done, Failure> {
        let path = format!("/v1/questions/{question}/refuse");
        self.change(Method::POST, &path, key, &Nothing::default()).await
    }

    /// Sets money aside.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn place_hold(&self, new: &NewHold) -> Result<Answer<Hold>, Failure> {
        self.purchase("/v1/holds", new).await
    }

    /// Has money set aside for one checkout, in ACP's shape: the token is named by `key`.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn delegate_payment(
        &self,
        key: RequestId,
        new: &NewDelegatedPayment,
    ) -> Result<Answer<DelegatedPayment>, Failure> {
        self.keyed_purchase("/v1/agentic_commerce/delegate_payment", key, new).await
    }

    /// Has money set aside for one checkout, in UCP's shape: the token is named by `key`.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn ucp_tokenize(&self, key: RequestId, new: &NewUcpToken) -> Result<Answer<UcpToken>, Failure> {
        self.keyed_purchase("/v1/ucp/tokenize", key, new).await
    }

    /// Takes what a token of a checkout stands for: once.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn take_token(&self, token: &str, new: &NewTaking) -> Result<Capture, Failure> {
        self.make(&format!("/v1/tokens/{token}/take"), new).await
    }

    /// Asks what a token of a checkout stands for.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn ucp_detokenize(&self, new: &NewDetokenization) -> Result<TokenCredential, Failure> {
        self.make("/v1/ucp/detokenize", new).await
    }

    /// Objects to a hold that is to be captured when its time is up.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn dispute(&self, key: RequestId, hold: HoldId) -> Result<Done, Failure> {
        self.change(Method::POST, &format!("/v1/holds/{hold}/dispute"), key, &Nothing::default()).await
    }

    /// Sets aside the most that metered work may cost.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn open_meter(&self, new: &NewMeter) -> Result<Answer<Meter>, Failure> {
        self.purchase("/v1/meters", new).await
    }

    /// Counts work, at most 1,000 charges at once.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn charge(&self, meter: MeterId, charges: &[NewCharge]) -> Result<Vec<ChargeResult>, Failure> {
        self.make(&format!("/v1/meters/{meter}/charges"), &charges).await
    }

    /// Sets aside the most that vouchers may come to.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn open_channel(&self, new: &NewChannel) -> Result<Answer<Meter>, Failure> {
        self.purchase("/v1/channels", new).await
    }

    /// Begins a subscription.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn subscribe(&self, new: &NewSubscription) -> Result<Answer<SubscriptionTerm>, Failure> {
        self.purchase("/v1/subscriptions", new).await
    }

    /// Agrees on another price or other terms of a subscription.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn change_plan(
        &self,
        subscription: SubscriptionId,
        change: &PlanChange,
    ) -> Result<Answer<SubscriptionTerm>, Failure> {
        self.purchase(&format!("/v1/subscriptions/{subscription}/change"), change).await
    }

    /// Ends a subscription with the period that is paid.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn cancel_subscription(
        &self,
        key: RequestId,
        subscription: SubscriptionId,
    ) -> Result<Done, Failure> {
        let path = format!("/v1/subscriptions/{subscription}/cancel");
        self.change(Method::POST, &path, key, &Nothing::default()).await
    }

    /// Pays what a link asks for.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn pay_link(&self, link: LinkId, new: &NewLinkPayment) -> Result<Answer<Payment>, Failure> {
        self.purchase(&format!("/v1/links/{link}/pay"), new).await
    }

    /// Ends a payment link.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn close_link(&self, key: RequestId, link: LinkId) -> Result<Done, Failure> {
        self.change(Method::POST, &format!("/v1/links/{link}/close"), key, &Nothing::default()).await
    }

    /// Issues an invoice.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn issue_invoice(&self, new: &NewInvoice) -> Result<Issued, Failure> {
        self.make("/v1/invoices", new).await
    }

    /// An invoice as it stands.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn invoice(&self, invoice: InvoiceId) -> Result<Invoice, Failure> {
        self.get(&format!("/v1/invoices/{invoice}")).await
    }

    /// One page of the invoices that say more than was kept.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn invoices_to_credit(&self, cursor: Option<&str>) -> Result<Page<Invoice>, Failure> {
        let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        self.get(&format!("/v1/invoices?to_credit=true{cursor}")).await
    }

    /// Issues a credit note.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn issue_credit_note(&self, new: &NewCreditNote) -> Result<Issued, Failure> {
        self.make("/v1/credit_notes", new).await
    }

    /// A credit note.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn credit_note(&self, note: CreditNoteId) -> Result<CreditNote, Failure> {
        self.get(&format!("/v1/credit_notes/{note}")).await
    }

    /// Uses units of a quota, at most 1,000 deductions at once.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn deduct(
        &self,
        quota: QuotaId,
        deductions: &[NewDeduction],
    ) -> Result<Vec<DeductionResult>, Failure> {
        self.make(&format!("/v1/quotas/{quota}/deductions"), &deductions).await
    }

    /// Moves units of a quota to one below.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn allot(&self, from: QuotaId, new: &NewAllotment) -> Result<Done, Failure> {
        self.make(&format!("/v1/quotas/{from}/allot"), new).await
    }

    /// Settles a meter.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn close_meter(&self, key: RequestId, meter: MeterId) -> Result<Settlement, Failure> {
        let path = format!("/v1/meters/{meter}/close");
        self.change(Method::POST, &path, key, &Nothing::default()).await
    }

    /// Pays a demand: holds the money for the seller.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn a402_pay(&self, new: &NewA402Payment) -> Result<Answer<A402Payment>, Failure> {
        self.purchase("/v1/a402/pay", new).await
    }

    /// `POST /v1/mpp/pay`: pays a challenge in the `Payment` scheme.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn mpp_pay(&self, new: &NewMppPayment) -> Result<Answer<UnsignedPayment>, Failure> {
        self.purchase("/v1/mpp/pay", new).await
    }

    /// `POST /v1/x402/pay`: pays what a seller asks for over x402.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn x402_pay(&self, new: &NewX402Payment) -> Result<Answer<UnsignedPayment>, Failure> {
        self.purchase("/v1/x402/pay", new).await
    }

    /// One page of a list, such as `list::<Wallet>("/v1/wallets", 20, None)`.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<T>, Failure> {
        // The writer is gone before anything is waited for, so that the future can move between threads.
        let query = {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("limit", &limit.to_string());
            query.extend_pairs(cursor.map(|cursor| ("cursor", cursor)));
            query.finish()
        };
        self.get(&format!("{path}?{query}")).await
    }

    /// One page of the questions that wait for their owner.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn questions(&self, limit: usize, cursor: Option<&str>) -> Result<Page<Question>, Failure> {
        self.list("/v1/questions", limit, cursor).await
    }

    /// One page of transfers.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn transfers(&self, limit: usize, cursor: Option<&str>) -> Result<Page<Transfer>, Failure> {
        self.list("/v1/transfers", limit, cursor).await
    }
}
