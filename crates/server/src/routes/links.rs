//! Payment links: opened and closed by sellers, read by whoever has the address, paid like everything else.

use crate::answer::{Answer, json};
use crate::auth::Kind;
use crate::codes::Edge;
use crate::convert::{Buy, amount, bits, id, money, provenance_text, registered, time, time_text};
use crate::problem::{Answered, Problem};
use crate::reads::show;
use crate::request::{Call, path_id};
use crate::routes::{check_line, check_why, page, paged};
use crate::state::{self, App};
use axum::extract::{Path, State};
use axum::response::Response;
use book::{Action, CloseLink, KeyHolder, LinkId, LinkPayer, OpenLink, PayLink, Payees, Purchase, Reject};
use engine::View;
use engine::views::{self, LinkPaymentRow, LinkRow};
use evidence::Hash;
use http::StatusCode;
use wire::answer::{Asked, Done};
use wire::limits::{LABEL_CHARS_MAX, MESSAGE_CHARS_MAX};
use wire::link::{AskedLink, Link, LinkPayee, LinkPayment, LinkTerms, NewLink, NewLinkPayment};
use wire::list::{Page, PageQuery};

/// Who opens and closes links.
const SELLERS: &[Kind] = &[Kind::Payee, Kind::Operator];

/// Opens a link: asks for payments of whoever is given its address.
#[utoipa::path(post, path = "/v1/links", tag = "links", request_body = NewLink,
    responses((status = 201, description = "Opened", body = Done)))]
pub async fn create_link(State(app): State<App>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, SELLERS).await?;
    let new: NewLink = call.json()?;
    let itself = if let KeyHolder::Payee(payee) = caller.holder { Some(payee) } else { None };
    let (link, action) = app.new_link(&new, itself)?;
    app.execute(&caller, link, action).await
}

/// The links of the seller that asks, newest first.
#[utoipa::path(get, path = "/v1/links", tag = "links", params(PageQuery),
    responses((status = 200, description = "A page", body = Page<Link>)))]
pub async fn list_links(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Payee]).await?;
    let KeyHolder::Payee(payee) = caller.holder else { return Err(Edge::AudienceWrong.into()) };
    let window = page(&call)?;
    show(&app, &call, move |app, view| {
        let rows = view.links_of_payee(payee, window.cursor, window.limit)?;
        paged(rows, app.livemode, |row| text(app, view, &row))
    })
    .await
}

/// A link as it stands, for its seller.
#[utoipa::path(get, path = "/v1/links/{id}", tag = "links", params(("id" = wire::LinkId, Path), ("at_least" = Option<u64>, Query, description = "Before which entry everything has to be shown; by default all that was answered until now")),
    responses((status = 200, description = "The link", body = Link)))]
pub async fn get_link(State(app): State<App>, Path(name): Path<String>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, SELLERS).await?;
    let link: LinkId = path_id(&name)?;
    show(&app, &call, move |app, view| text(app, view, &find(view, caller.holder, link)?)).await
}

/// What was paid by a link, newest first, for its seller.
#[utoipa::path(get, path = "/v1/links/{id}/payments", tag = "links", params(("id" = wire::LinkId, Path), PageQuery),
    responses((status = 200, description = "A page", body = Page<LinkPayment>)))]
pub async fn list_link_payments(
    State(app): State<App>,
    Path(name): Path<String>,
    call: Call,
) -> Answered<Response> {
    let caller = app.caller(&call, SELLERS).await?;
    let (link, window): (LinkId, _) = (path_id(&name)?, page(&call)?);
    show(&app, &call, move |app, view| {
        let row = find(view, caller.holder, link)?;
        let rows = view.link_payments(link, window.cursor, window.limit)?;
        paged(rows, app.livemode, |paid| payment_text(app, &row, &paid))
    })
    .await
}

/// What a link asks for. For everybody who has its address; it says nothing of who paid.
#[utoipa::path(get, path = "/v1/links/{id}/terms", tag = "links", security(()), params(("id" = wire::LinkId, Path)),
    responses((status = 200, description = "What it asks for", body = LinkTerms),
        (status = 404, description = "There is no such link", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn get_link_terms(State(app): State<App>, Path(name): Path<String>) -> Answered<Response> {
    let link: LinkId = path_id(&name)?;
    Ok(json(StatusCode::OK, &app.link_terms(link).await?))
}

/// Ends a link.
#[utoipa::path(post, path = "/v1/links/{id}/close", tag = "links",
    params(("id" = wire::LinkId, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "Closed", body = Done)))]
pub async fn close_link(State(app): State<App>, Path(name): Path<String>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, SELLERS).await?;
    let (link, change): (LinkId, _) = (path_id(&name)?, call.change_id()?);
    call.no_body()?;
    app.execute(&caller, change, Action::CloseLink(CloseLink { link })).await
}

/// Pays what a link asks for, by every rule that a payment goes by.
#[utoipa::path(post, path = "/v1/links/{id}/pay", tag = "links", request_body = NewLinkPayment,
    params(("id" = wire::LinkId, Path)),
    responses((status = 201, description = "Paid", body = wire::payment::Payment), (status = 202, description = "The owner is asked", body = Asked)))]
pub async fn pay_link(State(app): State<App>, Path(name): Path<String>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Agent, Kind::Owner]).await?;
    let link: LinkId = path_id(&name)?;
    let new: NewLinkPayment = call.json()?;
    check_why(new.why.as_deref())?;
    let action = app.link_payment(link, &new).await?;
    let payment = id(new.id.0);
    let came = app.execute(&caller, payment, action).await;
    app.keep_why(&caller, payment, new.why.as_deref(), &came);
    app.keep_message(new.message.as_deref(), &came);
    came
}

impl state::State {
    /// The command that opens a link, for the seller `itself` or an operator.
    ///
    /// # Errors
    /// A [`Problem`] with the member that is wrong.
    pub fn new_link(&self, new: &NewLink, itself: Option<book::PayeeId>) -> Answered<(book::Id, Action)> {
        check_line(Some(&new.what), LABEL_CHARS_MAX, "what")?;
        if new.what.trim().is_empty() {
            return Err(Problem::from(Edge::TextMalformed).of("what"));
        }
        let asset = registered(&self.directory, new.least.asset, "least.asset")?;
        if new.most.is_some_and(|most| most.asset != new.least.asset) {
            return Err(Problem::from(Edge::UnitMismatch).of("most.asset"));
        }
        let alone = new.payee.or(itself.map(|payee| wire::PayeeId(bits(payee.0))));
        let buy = Buy {
            wallet: wire::WalletId(0),
            mandate: None,
            payee: alone.filter(|_| new.split.is_none() || new.payee.is_some()),
            split: new.split.as_ref(),
            amount: new.least,
            category: None,
            reference: None,
            approval: None,
        };
        let open = OpenLink {
            to: buy.purchase(&self.directory)?.to,
            asset: asset.code,
            least: amount(new.least.amount),
            most: amount(new.most.unwrap_or(new.least).amount),
            uses: new.uses,
            until: time(&new.until, "until")?,
            by: match new.by {
                wire::link::LinkPayer::Anyone => LinkPayer::Anyone,
                wire::link::LinkPayer::Owner => LinkPayer::Owner,
            },
            document: self.keep_text(&new.what)?,
        };
        Ok((id(new.id.0), Action::OpenLink(open)))
    }

    /// The command that pays a link: whom, in what and for what, the link says.
    ///
    /// # Errors
    /// `link_unknown`, or a [`Problem`] with the member that is wrong.
    pub async fn link_payment(self: &App, link: LinkId, new: &NewLinkPayment) -> Answered<Action> {
        check_line(new.message.as_deref(), MESSAGE_CHARS_MAX, "message")?;
        let unknown = || Problem::from(Reject::LinkUnknown);
        let asked = self.ask(move |view| Ok(view.link(link)?.ok_or_else(unknown)?.asked)).await?;
        let asset = self.directory.asset(asked.asset).ok_or(Problem::from(Edge::Internal))?;
        let price = (asked.least == asked.most).then(|| money(asked.least, asset));
        let amount = new.amount.or(price).ok_or_else(|| Problem::from(Edge::BodyMalformed).of("amount"))?;
        let buy = Buy {
            wallet: new.wallet,
            mandate: new.mandate,
            payee: asked.to.each().next().map(|payee| wire::PayeeId(bits(payee.0))),
            split: None,
            amount,
            category: None,
            reference: Some(wire::Digest(asked.document.0)),
            approval: new.approval.as_deref(),
        };
        let purchase = Purchase { to: asked.to, ..buy.purchase(&self.directory)? };
        let message = new.message.as_deref().map(|said| Hash::of(said.as_bytes()));
        Ok(Action::PayLink(PayLink { link, purchase, message }))
    }

    /// What a link asks for.
    ///
    /// # Errors
    /// `link_unknown`.
    pub async fn link_terms(self: &App, link: LinkId) -> Answered<LinkTerms> {
        let state = self.clone();
        self.ask(move |view| {
            let row = view.link(link)?.ok_or(Problem::from(Reject::LinkUnknown))?;
            terms(&state, view, &row)
        })
        .await
    }

    /// Keeps what was said with a payment, where that was recorded just now. The journal has its digest.
    pub fn keep_message(&self, message: Option<&str>, came: &Answered<Answer>) {
        let is_new = came.as_ref().is_ok_and(|answer| !answer.is_repeated());
        let Some(message) = message.filter(|_| is_new) else { return };
        if let Err(fault) = self.bodies.keep_text(message) {
            // The payment is made and answered; what was said with it can be missing.
            tracing::warn!(%fault, "what was said with a payment was not kept");
        }
    }

    /// The text with this digest, where it is kept.
    ///
    /// # Errors
    /// [`Edge::Internal`] where texts cannot be read.
    pub fn text(&self, digest: Hash) -> Answered<Option<String>> {
        self.bodies.text(digest).map_err(|fault| {
            tracing::error!(%fault, "texts cannot be read");
            Edge::Internal.into()
        })
    }
}

/// A link, if `viewer` may see it: the seller that leads it, and the operator.
fn find(view: &View, viewer: KeyHolder, link: LinkId) -> Answered<LinkRow> {
    let absent = || Problem::from(Reject::LinkUnknown);
    let row = view.link(link)?.ok_or_else(absent)?;
    let sees = match viewer {
        KeyHolder::Payee(payee) => payee == row.payee,
        KeyHolder::Operator => true,
        KeyHolder::Owner(_) | KeyHolder::Agent(_) => false,
    };
    if sees { Ok(row) } else { Err(absent()) }
}

fn terms(app: &state::State, view: &View, row: &LinkRow) -> Answered<LinkTerms> {
    let asset = app.directory.asset(row.asked.asset).ok_or(Problem::from(Edge::Internal))?;
    let (name, asked) = (wire::LinkId(bits(row.id.0)), &row.asked);
    Ok(LinkTerms {
        id: name,
        status: row.standing(app.clock.now()).code().to_owned(),
        payees: payees(app, view, &asked.to)?,
        least: money(asked.least, asset),
        most: money(asked.most, asset),
        uses_left: row.left(),
        until: time_text(asked.until),
        by: match asked.by {
            LinkPayer::Anyone => wire::link::LinkPayer::Anyone,
            LinkPayer::Owner => wire::link::LinkPayer::Owner,
        },
        what: app.text(asked.document)?,
        document: wire::Digest(asked.document.0),
        pay: format!("/v1/links/{name}/pay"),
        page: format!("/pay/{name}"),
        livemode: app.livemode,
    })
}

fn payees(app: &state::State, view: &View, to: &Payees) -> Answered<Vec<LinkPayee>> {
    let payee = |payee: book::PayeeId| {
        let row = view.payee(payee)?.ok_or(Problem::from(Edge::Internal))?;
        Ok(LinkPayee {
            id: wire::PayeeId(bits(payee.0)),
            name: app.label(payee.0)?,
            provenance: provenance_text(row.provenance),
        })
    };
    to.each().map(payee).collect()
}

fn text(app: &state::State, view: &View, row: &LinkRow) -> Answered<Link> {
    let asset = app.directory.asset(row.asked.asset).ok_or(Problem::from(Edge::Internal))?;
    Ok(Link {
        terms: terms(app, view, row)?,
        used: row.used,
        paid: money(row.paid, asset),
        closed_at: row.closed.map(time_text),
        entry: row.seq.0,
        at: time_text(row.at),
    })
}

fn payment_text(app: &state::State, link: &LinkRow, row: &LinkPaymentRow) -> Answered<LinkPayment> {
    let asset = app.directory.asset(link.asked.asset).ok_or(Problem::from(Edge::Internal))?;
    Ok(LinkPayment {
        payment: wire::PaymentId(bits(row.payment.0)),
        amount: money(row.amount, asset),
        message: row.message.map(|digest| app.text(digest)).transpose()?.flatten(),
        entry: row.seq.0,
        at: time_text(row.at),
    })
}

/// What an owner would pay by, and say.
pub(crate) fn asked_text(app: &state::State, (link, message): &views::AskedLink) -> Answered<AskedLink> {
    let message = message.map(|digest| app.text(digest)).transpose()?.flatten();
    Ok(AskedLink { id: wire::LinkId(bits(link.0)), message })
}
