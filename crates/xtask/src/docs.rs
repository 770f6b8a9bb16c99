//! Runs the documents: what README.md and the tutorial tell a reader to type is typed, and must work.
//!
//! How a page is read:
//!
//! - A ```` ```bash ```` block is run, in order, in one shell's worth of state: the folder, and every variable
//!   set, carry over to the next block of the page. A block that fails, or takes longer than
//!   [`shell::BLOCK_SECONDS_MAX`], fails the run.
//! - ```` ```bash no-run ```` is for the reader only.
//! - If the next block of the page is ```` ```text ````, it is what the reader should see. Each of its lines must
//!   be in the output, in that order; `…` stands for anything.
//! - A line that ends with ` &` starts a server. What the text block says is waited for, so that a block which
//!   prints `listening on …` is up before the next one calls it. Servers end with the page.
//!
//! Where a port of the page is taken, all its ports are moved by the same number, and the default port with them.
//!
//! Each page starts in a fresh copy of the tree with an empty home and the built program on the path, and may
//! talk to this machine only. The program is the one that the tests are run with: where a page builds or runs a
//! release, [`CARGO`] takes it instead.

mod page;
mod ports;
mod shell;

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::program;
use crate::tidy::tree;
use page::Block;
use shell::Shell;

/// The pages whose commands run; each must exist. Pages of one row run one after the other in one shell.
const PAGES: &[&[&str]] = &[
    &["README.md"],
    &["docs/tutorial.md"],
    &["docs/selling.md"],
    &["docs/commerce.md"],
    &["docs/skill.md", "skills/charge-for-an-api/SKILL.md"],
    &["docs/buying.md", "skills/use-a-wallet/SKILL.md", "skills/buy-from-an-api/SKILL.md"],
];

/// Stands in for cargo, in the two ways that the pages use it. A release takes minutes to build, and differs in speed only.
const CARGO: &str = "\
#!/bin/sh
case \"$*\" in
    'build --release') ;;
    'run --release -- '*) shift 3; exec tollbridge \"$@\" ;;
    *) echo \"a page may not run: cargo $*\" >&2; exit 1 ;;
esac
";

/// Builds the program and runs every page.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let program = program::build(root, "tollbridge", &[])?;
    for pages in PAGES {
        let text = |page: &&'static str| {
            let text = fs::read_to_string(root.join(page)).with_context(|| format!("cannot read {page}"))?;
            Ok((*page, text))
        };
        let texts = pages.iter().map(text).collect::<anyhow::Result<Vec<_>>>()?;
        run_pages(&texts, &Scratch::copy_of(root, &program)?)?;
    }
    Ok(())
}

/// Runs pages, given by name and text, one after the other in one shell.
fn run_pages(pages: &[(&str, String)], scratch: &Scratch) -> anyhow::Result<()> {
    let all: String = pages.iter().map(|(_, text)| text.as_str()).collect();
    let shift = ports::free_shift(&all)?;
    let mut scripts = Vec::with_capacity(pages.len());
    for (page, text) in pages {
        let blocks = page::blocks(&ports::shifted(text, shift)).with_context(|| (*page).to_owned())?;
        // Everything that can be refused is, before anything runs.
        for block in &blocks {
            if let Some(host) = page::foreign_host(&block.script) {
                bail!("{page}:{}: `{host}` is not this machine; mark the block no-run", block.line);
            }
        }
        scripts.push((page, blocks));
    }
    let mut shell = Shell::open(&scratch.0)?;
    if shift != 0 {
        shell.set(&ports::DEFAULTS.map(|(name, value)| (name, ports::shifted(value, shift))))?;
    }
    for (page, blocks) in &scripts {
        for Block { line, script, expected } in blocks {
            println!("{page}:{line}");
            shell.run(script, expected).with_context(|| format!("{page}:{line}:\n{script}"))?;
        }
    }
    Ok(())
}

/// A folder of its own for one page, gone when the page is done: `tree`, `home` and `bin`.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> anyhow::Result<Scratch> {
        let serial = fs::read_to_string("/proc/sys/kernel/random/uuid").context("cannot name a folder")?;
        let scratch = Scratch(std::env::temp_dir().join(format!("docs-{}", serial.trim())));
        for folder in ["tree", "home", "bin"] {
            fs::create_dir_all(scratch.0.join(folder))?;
        }
        Ok(scratch)
    }

    fn copy_of(root: &Path, program: &Path) -> anyhow::Result<Scratch> {
        let scratch = Scratch::new()?;
        for path in tree::paths(root)? {
            let copy = scratch.0.join("tree").join(&path);
            fs::create_dir_all(copy.parent().context("a file lies in a folder")?)?;
            fs::copy(root.join(&path), copy).with_context(|| format!("cannot copy {path}"))?;
        }
        let bin = scratch.0.join("bin");
        symlink(program, bin.join(program.file_name().context("a program has a name")?))?;
        let mut cargo = File::options().write(true).create_new(true).mode(0o755).open(bin.join("cargo"))?;
        cargo.write_all(CARGO.as_bytes())?;
        Ok(scratch)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{} stays behind: {error}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpListener};

    /// Each row: what a page says, and what must be in the complaint; nothing when the page is right.
    const ROWS: &[(&str, Option<&str>)] = &[
        ("```bash\ntrue\n```\n", None),
        ("```bash\nfalse\ntrue\n```\n", Some("exit status: 1")),
        ("```bash\nfalse | true\n```\n", Some("exit status: 1")),
        ("```bash\necho $unset\n```\n", Some("unset")),
        ("```bash no-run\nfalse\n```\n", None),
        ("```\nfalse\n```\n```sh\nfalse\n```\n", None),
        (
            "```bash\nmkdir a; cd a; b=1\n```\n```bash\npwd; echo b is $b\n```\n```text\n…/tree/a\nb is 1\n```\n",
            None,
        ),
        ("```bash\necho paid 5 USD\n```\nprints\n```text\npaid … USD\n```\n", None),
        ("```bash\necho denied\n```\n```text\npaid\n```\n", Some("`paid` is not in the output")),
        ("```bash\necho a; echo b\n```\n```text\nb\na\n```\n", Some("`a` is not in the output")),
        ("```bash no-run\ntrue\n```\n```text\npaid\n```\n", None),
        ("```bash\nsh -c 'echo up; exec tail -f /dev/null' > log 2>&1 &\n```\n```bash\ntrue\n```\n", None),
        (
            "```bash\nsh -c 'echo \"listening on 4\"; exec tail -f /dev/null' &\n```\n```text\nlistening on …\n```\n",
            None,
        ),
        ("```bash\necho http://127.0.0.1:1/\n```\n", None),
        ("```bash\ncurl https://elsewhere.net/\n```\n", Some("`elsewhere.net` is not this machine")),
        ("```bash\ntrue\n", Some("never ends")),
    ];

    #[test]
    fn a_page_that_works_passes_and_one_that_does_not_says_where() {
        for (text, complaint) in ROWS {
            let scratch = Scratch::new().expect("a folder can be made");
            let outcome =
                run_pages(&[("page.md", (*text).to_owned())], &scratch).map_err(|error| format!("{error:#}"));
            match complaint {
                None => assert_eq!(outcome, Ok(()), "{text}"),
                Some(complaint) => {
                    let message = outcome.expect_err(text);
                    assert!(message.contains(complaint), "{text}\n{message}");
                    assert!(message.contains("page.md"), "{text}\n{message}");
                }
            }
        }
    }

    #[test]
    fn a_page_whose_port_is_taken_runs_on_others() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let address = taken.local_addr().expect("it has an address");
        let text = format!(
            "```bash\necho at http://{address}/, not 127.0.0.1:80, and $TOLLBRIDGE_SERVER\n```\n```text\nat http://{address}/\n```\n"
        );
        let scratch = Scratch::new().expect("a folder can be made");
        run_pages(&[("page.md", text)], &scratch).expect("the page works");
        let said = fs::read_to_string(scratch.0.join("output-1")).expect("it said something");
        assert!(!said.contains(&address.to_string()), "{said}");
        let words: Vec<&str> = said.split_whitespace().collect();
        let port = |word: usize| -> i32 {
            let (_, port) =
                words[word].trim_end_matches(['/', ',']).rsplit_once(':').expect("an address has a port");
            port.parse().expect("a port is a number")
        };
        assert_eq!(port(3), 80, "{said}");
        assert_eq!(port(5) - 8_402, port(1) - i32::from(address.port()), "{said}");
    }

    #[test]
    fn a_server_ends_with_its_page() {
        let scratch = Scratch::new().expect("a folder can be made");
        let text =
            "```bash\nsh -c 'echo $$ > pid; exec tail -f /dev/null' &\nuntil [ -s pid ]; do :; done\n```\n";
        let mut shell = Shell::open(&scratch.0).expect("a shell opens");
        let blocks = page::blocks(text).expect("the page is well formed");
        let block = blocks.first().expect("the page has a block");
        shell.run(&block.script, &block.expected).expect("the server starts");
        let pid = fs::read_to_string(scratch.0.join("tree/pid")).expect("the server says its id");
        let is_alive = || {
            fs::read_to_string(format!("/proc/{}/cmdline", pid.trim()))
                .is_ok_and(|line| line.contains("tail"))
        };
        assert!(is_alive());
        drop(shell);
        assert!(!is_alive());
    }
}
