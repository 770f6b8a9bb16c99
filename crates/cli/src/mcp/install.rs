//! `mcp install` and `mcp uninstall`: showing the change to a client's configuration, asking, and keeping what was there.

use super::edit::{NAME, difference, put_json, put_toml, take_json, take_toml};
use super::home;
use crate::args::{McpClient, McpInstall, McpPlace, McpTools, McpUninstall};
use crate::exit::{Failure, Outcome};
use crate::output::Output;
use sdk::Credentials;
use serde::Serialize;
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::{BufRead, IsTerminal, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

#[derive(Serialize)]
struct Changed<'a> {
    file: String,
    difference: &'a str,
    written: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    backup: Option<String>,
}

/// How a client's configuration has its servers.
enum Form {
    /// JSON, in the object with this name.
    Json(&'static str),
    /// TOML, in `[mcp_servers]`.
    Toml,
}

/// Adds our entry.
pub(super) fn install(output: &Output, args: &McpInstall) -> Outcome {
    let key = std::fs::canonicalize(&args.key);
    let key = key.map_err(|fault| Failure::usage(format!("key file `{}`: {fault}", args.key.display())))?;
    // A key that cannot be used is found out now, and not by the client.
    Credentials::read(&key).map_err(Failure::usage)?;
    let program = std::env::current_exe()?;
    let (program, words) = (text(&program)?, words(args, &key)?);
    change(output, &args.place, |before, form| match form {
        Form::Json(servers) => {
            let mut entry = json!({"command": program, "args": words});
            if args.place.client == McpClient::Vscode || args.place.client == McpClient::Claude {
                entry["type"] = Value::from("stdio");
            }
            put_json(before, servers, &entry).map(Some)
        }
        Form::Toml => put_toml(before, &program, &words).map(Some),
    })
}

/// Takes our entry out.
pub(super) fn uninstall(output: &Output, args: &McpUninstall) -> Outcome {
    change(output, &args.place, |before, form| match form {
        Form::Json(_) if before.trim().is_empty() => Ok(None),
        Form::Json(servers) => take_json(before, servers),
        Form::Toml => take_toml(before),
    })
}

fn words(args: &McpInstall, key: &Path) -> Outcome<Vec<String>> {
    let tools: Vec<&str> = args
        .desk
        .tools
        .iter()
        .map(|tools| match tools {
            McpTools::Buyer => "buyer",
            McpTools::Merchant => "merchant",
        })
        .collect();
    let key = text(key)?;
    let tools = tools.join(",");
    let mut words = ["mcp", "serve", "--server", &args.desk.server, "--key", &key, "--tools", &tools]
        .map(str::to_owned)
        .to_vec();
    if args.desk.local_sellers {
        words.push("--local-sellers".to_owned());
    }
    if let Some(pages) = &args.desk.pages {
        words.extend(["--pages".to_owned(), pages.to_string()]);
    }
    Ok(words)
}

fn text(path: &Path) -> Outcome<String> {
    let text = path.to_str().ok_or_else(|| Failure::usage(format!("`{}` is not UTF-8", path.display())))?;
    Ok(text.to_owned())
}

fn change(
    output: &Output,
    place: &McpPlace,
    edit: impl FnOnce(&str, &Form) -> Result<Option<String>, String>,
) -> Outcome {
    let (path, form) = configuration(place)?;
    // What a link leads to is changed, and not the link.
    let path = std::fs::canonicalize(&path).unwrap_or(path);
    let before = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(fault) => return Err(Failure::from(fault).during(path.display())),
    };
    let after = edit(&before, &form).map_err(|why| Failure::usage(format!("`{}`: {why}", path.display())))?;
    let Some(after) = after.filter(|after| *after != before) else {
        output.line(format!("`{}` is so already; nothing was changed", path.display()));
        output.object(&Changed {
            file: path.display().to_string(),
            difference: "",
            written: false,
            backup: None,
        });
        return Ok(());
    };
    let difference = difference(&before, &after);
    output.line(format!("{}\n{}", path.display(), difference.trim_end()));
    let is_agreed = place.yes || (!output.is_for_programs() && agreed()?);
    let backup = if is_agreed { write(&path, &before, &after)? } else { None };
    match (is_agreed, &backup) {
        (false, _) => output.line("nothing was written; `--yes` writes it"),
        (true, Some(backup)) => {
            output.line(format!("written; what was there before is in `{}`", backup.display()));
        }
        (true, None) => output.line("written"),
    }
    if is_agreed {
        let client = format!("{:?}", place.client).to_lowercase();
        output.line(format!(
            "start the client again; `tollbridge mcp uninstall --client {client}` takes {NAME} out"
        ));
    }
    output.object(&Changed {
        file: path.display().to_string(),
        difference: &difference,
        written: is_agreed,
        backup: backup.map(|path| path.display().to_string()),
    });
    Ok(())
}

/// Where a client has its configuration, and how.
fn configuration(place: &McpPlace) -> Outcome<(PathBuf, Form)> {
    let (below_home, form) = match place.client {
        McpClient::Claude => (".claude.json", Form::Json("mcpServers")),
        McpClient::Codex => (".codex/config.toml", Form::Toml),
        McpClient::Cursor => (".cursor/mcp.json", Form::Json("mcpServers")),
        McpClient::Gemini => (".gemini/settings.json", Form::Json("mcpServers")),
        McpClient::Vscode if cfg!(target_os = "macos") => {
            ("Library/Application Support/Code/User/mcp.json", Form::Json("servers"))
        }
        McpClient::Vscode => (".config/Code/User/mcp.json", Form::Json("servers")),
    };
    match &place.file {
        Some(path) => Ok((path.clone(), form)),
        None => Ok((home()?.join(below_home), form)),
    }
}

/// Asks whoever sits there. Nobody sits there: no.
fn agreed() -> Outcome<bool> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    eprint!("Write this? [y/N] ");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Replaces a file whole, and keeps the one that was there. Answers where.
fn write(path: &Path, before: &str, after: &str) -> Outcome<Option<PathBuf>> {
    let named = |fault: std::io::Error| Failure::from(fault).during(path.display());
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(directory) = directory {
        std::fs::create_dir_all(directory).map_err(named)?;
    }
    // Whoever could not read it before cannot read it now: clients keep tokens there.
    let mode = std::fs::metadata(path).map_or(0o600, |metadata| metadata.mode() & 0o777);
    let create = |path: &Path, text: &str| -> std::io::Result<()> {
        let mut file = OpenOptions::new().create_new(true).write(true).mode(mode).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    let beside = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let mut backup = None;
    if path.exists() {
        let free =
            (1..).map(|number| beside(&format!(".before-{NAME}-{number}"))).find(|path| !path.exists());
        let free = free.expect("some number is free");
        create(&free, before).map_err(named)?;
        backup = Some(free);
    }
    let new = beside(&format!(".{NAME}-new"));
    // What an earlier try left behind is nobody's.
    let _gone = std::fs::remove_file(&new);
    create(&new, after).and_then(|()| std::fs::rename(&new, path)).map_err(named)?;
    Ok(backup)
}
