//! `init`, `serve` and `gateway`: making a book, serving it, and putting a price in front of a service.

use crate::args::{GatewayArgs, Init, Serve};
use crate::data::Data;
use crate::exit::{Failure, Outcome};
use crate::output::Output;
use crate::runtime;
use book::{Entry, Seq, Time};
use engine::{Clock, Stepdown};
use evidence::base64url;
use gateway::{Config, Gateway};
use serde::Serialize;
use server::data::{BookKind, Opening};
use server::drafting::Drafter;
use server::market;
use server::webhooks::{self, Reach};
use std::sync::Arc;
use tokio::net::TcpListener;
use url::Url;
use web::notify::Notifier;
use zeroize::Zeroizing;

#[derive(Serialize)]
struct Made {
    directory: String,
    livemode: bool,
    vkey: String,
}

#[derive(Serialize)]
struct Listening {
    listening: String,
}

/// Makes a data directory with a new book.
pub(crate) fn init(output: &Output, args: &Init) -> Outcome {
    let kind = if args.live { BookKind::Live } else { BookKind::Test };
    // A log's name is for ever, and no two logs may share one.
    let origin = args
        .origin
        .clone()
        .unwrap_or_else(|| format!("tollbridge.invalid/{}", base64url::encode(&rand::random::<[u8; 6]>())));
    server::data::init(&args.directory, kind, &origin)?;
    let directory = args.directory.display().to_string();
    let vkey = server::log_keys::log_keys(&args.directory)?.to_string().trim_end().to_owned();
    let money = if args.live { "real money" } else { "play money" };
    output.line(format!(
        "a new book of {money} is in `{directory}`; give the log's key to whoever will check receipts:"
    ));
    output.line(format!("  {vkey}"));
    output.line(format!("serve it with `tollbridge serve --data {directory}`"));
    output.object(&Made { directory, livemode: args.live, vkey });
    Ok(())
}

/// Serves a book until told to stop.
pub(crate) fn serve(output: &Output, args: &Serve) -> Outcome {
    runtime::log();
    let data = Data::at(&args.data)?;
    let journal = data.read()?;
    let (entries, ahead) = (journal.next().0, ahead(&journal)?);
    let bar = output.progress(entries, "reading the journal");
    let told = bar.clone();
    let opening = Opening {
        clock: Arc::new(Clock::ahead_by(ahead)),
        stopped: Box::new(|stepdown: &Stepdown| {
            tracing::error!(%stepdown, "the writer has stopped; start again to learn what is durable");
            std::process::exit(i32::from(crate::exit::Exit::Fault.number()));
        }),
        recovering: Box::new(move |seq| told.set_position(seq.0)),
        log_readers: args.log_readers.into(),
        snapshot_every_entries: args.snapshot_every,
        drafter: drafter(args)?,
        reach: if args.reach_anywhere { Reach::Anywhere } else { Reach::Public },
        #[cfg(feature = "evm")]
        evm: args.evm.clone(),
        ..Opening::default()
    };
    let app = server::data::open(data.path(), opening)?;
    bar.finish_and_clear();
    runtime::run(async {
        let listener = runtime::listen(args.listen).await?;
        let public_url = match &args.public_url {
            Some(url) => url.clone(),
            None => Url::parse(&format!("http://localhost:{}", listener.local_addr()?.port()))
                .map_err(|fault| Failure::fault(fault.to_string()))?,
        };
        let console = web::open(app.clone(), data.path(), public_url).map_err(Failure::usage)?;
        let notifying = notifier(args)?.map(|it| tokio::spawn(web::notify::run(console.clone(), it)));
        let telling = tokio::spawn(webhooks::run(app.clone()).map_err(Failure::fault)?);
        let looking = tokio::spawn(market::run(app.clone()).map_err(Failure::fault)?);
        #[cfg(feature = "evm")]
        let watching = tokio::spawn(server::chains::run(app.clone()));
        say_where(output, &listener)?;
        server::serve(listener, app, web::router(console), runtime::told_to_stop()).await;
        telling.abort();
        looking.abort();
        #[cfg(feature = "evm")]
        watching.abort();
        if let Some(notifying) = notifying {
            notifying.abort();
        }
        Ok(())
    })
}

/// Where notices go, where they go anywhere.
fn notifier(args: &Serve) -> Outcome<Option<Notifier>> {
    if let Some(path) = &args.notify_file {
        let file = Notifier::file(path);
        return file.map(Some).map_err(|fault| Failure::from(fault).during(path.display()));
    }
    let Some(url) = &args.notify_webhook else { return Ok(None) };
    let read = |path: &std::path::PathBuf| {
        let text =
            std::fs::read_to_string(path).map_err(|fault| Failure::from(fault).during(path.display()))?;
        web::notify::secret(&text).ok_or_else(|| {
            Failure::usage("the webhook's secret is neither `whsec_…` nor 32 bytes in Base64URL")
        })
    };
    let secret = args.notify_secret.as_ref().map(read).transpose()?;
    Ok(Some(Notifier::Webhook { url: url.clone(), secret }))
}

/// Who puts owners' words more clearly, where anybody does.
fn drafter(args: &Serve) -> Outcome<Option<Drafter>> {
    let (Some(url), Some(model)) = (&args.draft_endpoint, &args.draft_model) else { return Ok(None) };
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).map(Zeroizing::new);
        let text = text.map_err(|fault| Failure::from(fault).during(path.display()))?;
        Outcome::Ok(Zeroizing::new(text.trim().to_owned()))
    };
    let key = args.draft_key.as_ref().map(read).transpose()?;
    Drafter::new(url, model.clone(), key).map(Some).map_err(Failure::usage)
}

/// How far the clock has to be ahead of the system's: a test book's may have been put forward in an earlier life.
fn ahead(journal: &engine::journal::Reader) -> Outcome<u64> {
    let Some(last) = journal.next().0.checked_sub(1) else { return Ok(0) };
    let entry = |seq: u64| -> Outcome<Option<Entry>> {
        let frames = journal.frames(Seq(seq), 1)?;
        let found = frames.iter().flat_map(|frame| frame.entries()).find(|(place, _)| place.0 == seq);
        Ok(found.and_then(|(_, bytes)| Entry::from_bytes(bytes).ok()))
    };
    let is_test = entry(0)?
        .is_some_and(|first| matches!(first.command.action, book::Action::OpenBook(open) if open.test));
    let at = entry(last)?.map_or(Time(0), |entry| entry.at);
    let behind = at.0.saturating_sub(Clock::default().now().0);
    // Of a live book the clock is the system's, and entries go on in single nanoseconds until it has caught up.
    Ok(if is_test { behind } else { 0 })
}

/// Puts a price in front of a service until told to stop.
pub(crate) fn gateway(output: &Output, args: &GatewayArgs) -> Outcome {
    runtime::log();
    let config = Config::read(&args.config).map_err(Failure::usage)?;
    let upstream = config.upstream.as_ref().and_then(|upstream| upstream.url.as_ref());
    if upstream.is_none() && config.seller.front_secret_file.is_none() {
        return Err(Failure::usage("the price list has neither an `[upstream]` nor a `front_secret_file`"));
    }
    let gateway = Gateway::open(config, sdk::Clock::system());
    runtime::run(async {
        let listener = runtime::listen(args.listen).await?;
        say_where(output, &listener)?;
        let gateway = gateway.map_err(Failure::fault)?;
        gateway::serve(listener, gateway, runtime::told_to_stop()).await;
        Ok(())
    })
}

/// Says where somebody listens.
pub(crate) fn say_where(output: &Output, listener: &TcpListener) -> Outcome {
    let listening = format!("http://{}", listener.local_addr()?);
    output.line(format!("listening at {listening}"));
    output.object(&Listening { listening });
    Ok(())
}
